import { type BuildEnd, finishBuild, noteBuild } from '@longhaul/core/src/environments/finish-build.ts'
import type { TakenBuild } from '@longhaul/core/src/environments/take-build.ts'
import { cleanText } from '@longhaul/core/src/text.ts'
import { keepAsking } from '../keep-asking.ts'
import { HeadAndTail } from '../sandboxes/runner/collect-output.ts'
import { SandboxImageError, SandboxUnavailableError } from '../sandboxes/sandbox.ts'
import type { SetUps } from '../sandboxes/set-ups.ts'
import type { TurnParts } from '../turn/stretch.ts'

export type SetUpLimits = { timeoutMs: number; maxMb: number }
export type BuildingParts = Pick<TurnParts, 'db' | 'queue' | 'logger' | 'atPoint' | 'defaultImage'> & {
  sandboxes: Pick<TurnParts['sandboxes'], 'provider'>
}

/** Of what a script prints, head and tail of so much are kept; said again every so often, for who watches. */
const MAX_LOG_BYTES = 64 * 1024
const NOTE_MS = 2_000
/** Times the attempts there were: an engine that restarts is back after some of them. */
const RETRY_MS = 5_000

/**
 * Builds what this worker has taken, and wakes who waits. An image that an earlier worker built and did not record is found by its name
 * and taken as it is: the name is the digest of all that it is made from.
 */
export const buildSetUp = async (
  parts: BuildingParts,
  { taken, workerId, limits, stopping }: { taken: TakenBuild; workerId: string; limits: SetUpLimits; stopping: AbortSignal },
): Promise<void> => {
  const { db, logger } = parts
  const of = { tenantId: taken.tenantId, id: taken.id, workerId }
  const log = new HeadAndTail(MAX_LOG_BYTES)
  const lost = new AbortController()
  let noted = 0
  const note = async (): Promise<void> => {
    if (log.totalBytes === noted) return
    noted = log.totalBytes
    const { text, truncated } = log.toOutput()
    if (!(await noteBuild(db, of, { log: cleanText(text).text, logTruncated: truncated })))
      lost.abort(new Error('the build is another worker’s'))
  }
  const timer = setInterval(
    () => void note().catch((error: unknown) => logger.warn({ err: error }, 'a build’s log could not be stored')),
    NOTE_MS,
  )
  try {
    const signal = AbortSignal.any([stopping, lost.signal])
    const end = await makeImage(parts, { taken, of, limits, signal, onOutput: (bytes) => log.add(bytes) }).catch((error: unknown) =>
      toBuildEnd(error, { taken, stopping, logger }),
    )
    clearInterval(timer)
    if (lost.signal.aborted) return
    await note()
    if (end.state === 'built') await parts.atPoint('build_saved')
    // Unfinished it would be this worker's for as long as he lives, and who waits for it would wait.
    const { state, wakes } = await keepAsking(() => finishBuild(db, of, end))
    parts.queue.send(wakes)
    logger.info({ buildId: taken.id, state }, 'the build of an environment has ended')
  } finally {
    clearInterval(timer)
  }
}

type Making = {
  taken: TakenBuild
  of: { tenantId: string; id: string; workerId: string }
  limits: SetUpLimits
  signal: AbortSignal
  onOutput: (bytes: Buffer) => void
}

const makeImage = async (parts: BuildingParts, { taken, of, limits, signal, onOutput }: Making): Promise<BuildEnd> => {
  const setUps = parts.sandboxes.provider.setUps as SetUps
  const { tenantId, network, cpus, memoryMb } = taken
  // Scripts come from forms and files of any system; a shell takes a carriage return for a part of the word before it.
  const script = taken.script.replaceAll('\r\n', '\n')
  const baseImageId = await setUps.resolve(taken.image === 'default' ? parts.defaultImage : taken.image, signal)
  const key = setUps.keyOf({ tenantId, baseImageId, network, script })
  // Before there is an image: by its key the reaper knows that it is wanted.
  await noteBuild(parts.db, of, { key, baseImageId })
  const found = await setUps.find({ tenantId, key })
  if (found !== null) return { state: 'built', imageId: found }
  const spec = { tenantId, buildId: taken.id, key, baseImageId, script, cpus, memoryMb }
  const bounds = { diskMb: Math.min(taken.diskMb, limits.maxMb), timeoutMs: limits.timeoutMs }
  const end = await setUps.build({ ...spec, ...bounds }, { signal, onOutput, onRan: () => parts.atPoint('build_ran') })
  if (end.imageId !== null) return { state: 'built', imageId: end.imageId }
  return { state: 'failed', problem: end.problem, exitCode: end.exitCode, failedLine: end.failedLine }
}

/** What the script or its image is not to blame for is tried again; three times, unless it was this worker that had to go. */
const toBuildEnd = (
  error: unknown,
  { taken, stopping, logger }: { taken: TakenBuild; stopping: AbortSignal } & Pick<TurnParts, 'logger'>,
): BuildEnd => {
  if (stopping.aborted) return { state: 'asked', problem: 'its worker was stopped', retryInMs: 0, counts: false }
  if (error instanceof SandboxImageError) return { state: 'failed', problem: error.message }
  logger.warn({ err: error, buildId: taken.id }, 'an environment could not be built')
  const problem = error instanceof SandboxUnavailableError ? error.message : 'an internal error'
  return { state: 'asked', problem, retryInMs: RETRY_MS * taken.attempts, counts: true }
}
