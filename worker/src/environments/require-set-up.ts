/**
 * Owns set-ups of environments: who needs one, who builds it, what becomes of it. Must never run a script but in a build of its own, nor
 * give one tenant's image to another.
 */
import { type AskedBuild, askBuild } from '@longhaul/core/src/environments/ask-build.ts'
import type { LogEvent } from '@longhaul/core/src/events/event.ts'
import type { Stretch } from '../turn/stretch.ts'
import { describeFailure } from './describe-failure.ts'

/** The image with an environment's set-up, and the build that made it. */
export type SetUp = { imageId: string; buildId: string }

/** It is being built: whoever needs it waits, and is woken when that is over. */
export class SetUpPendingError extends Error {
  readonly buildId: string
  constructor(buildId: string) {
    super(`the environment is being built (${buildId})`)
    this.buildId = buildId
  }
}

/** There is none, and trying again by itself would not help. Its message is for the person who wrote the script. */
export class SetUpFailedError extends Error {
  readonly buildId: string | null
  constructor(message: string, buildId: string | null) {
    super(message)
    this.buildId = buildId
  }
}

/**
 * The image that a new sandbox or a check of this session is made from, or null where its environment has no set-up. Throws
 * SetUpPendingError, SetUpFailedError, SandboxUnavailableError.
 */
export const requireSetUp = async ({ parts, claim, events }: Pick<Stretch, 'parts' | 'claim' | 'events'>): Promise<SetUp | null> => {
  if (claim.environmentVersion.setupHash === null) return null
  const { provider } = parts.sandboxes
  if (provider.setUps === null) throw new SetUpFailedError(NO_SET_UPS, null)
  const engineId = await provider.engineId()
  const ask = (not: string | null) =>
    askBuild(parts.db, { tenantId: claim.tenantId, environmentVersionId: claim.environmentVersion.id, engineId, not })
  // Told of a failure and let go on: a person has resumed it, so the script is run anew.
  let build = await ask(findToldFailure(events))
  if (build.state === 'built' && !(await isOfUse(build))) build = await ask(build.id)
  if (build.state === 'built' && build.imageId !== null) return { imageId: build.imageId, buildId: build.id }
  if (build.state === 'failed') throw new SetUpFailedError(describeFailure(build), build.id)
  // Its workers look by themselves too, a little later.
  if (build.state === 'asked') parts.announcer.announceFileLook(engineId)
  throw new SetUpPendingError(build.id)

  /** Somebody may have removed the image behind our back, or the environment's own may be another by now. */
  async function isOfUse({ imageId, baseImageId }: AskedBuild): Promise<boolean> {
    const { setUps } = provider
    if (setUps === null || imageId === null || !(await setUps.has(imageId))) return false
    const base = await setUps.look(claim.environmentVersion.image)
    return base === null || base === baseImageId
  }
}

const NO_SET_UPS =
  'The environment has a setupScript, and sandboxes here are plain processes (SANDBOX=process): there is no image that it could be run in. Use an environment without one, or SANDBOX=docker.'

const findToldFailure = (events: readonly LogEvent[]): string | null => {
  const told = events.findLast((event) => event.type === 'harness.error' && event.payload.buildId !== undefined)
  return told?.type === 'harness.error' ? (told.payload.buildId ?? null) : null
}
