import type Docker from 'dockerode'
import type { ContainerCreateOptions } from 'dockerode'
import { runnerScript } from '../runner/runner-script.ts'
import { SandboxImageError, type SandboxSpec } from '../sandbox.ts'
import { maxProcesses, toContainerOptions } from './container-options.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { assertOwnImage, resolveImage } from './resolve-image.ts'
import { callsFolder, epochReset } from './skeleton.ts'

/** Who made it: until it is marked as ready, only a later claimant may put another in its place. */
export const epochLabel = 'longhaul.epoch'

export const containerNameOf = (sessionId: string): string => `longhaul-${sessionId.toLowerCase()}`

/**
 * Makes the session's container, not yet started, and answers its id; null where one of its name stands. `image`: a kept one, with
 * everything in it. `setUp`: the one with the environment's set-up. Where either has gone meanwhile, SandboxUnavailableError.
 */
export const createSandbox = async (
  docker: Docker,
  spec: SandboxSpec,
  {
    instance,
    epoch,
    signal,
    image,
    setUp,
  }: { instance: string; epoch: number; signal: AbortSignal; image: string | null; setUp: string | null },
): Promise<string | null> => {
  const command = ['sh', '-c', runnerScript, 'runner', callsFolder, '/workspace', String(maxProcesses - 64)]
  const hardened = toContainerOptions({ ...spec, image: image ?? setUp ?? spec.image, kind: 'sandbox', instance, command })
  const name = containerNameOf(spec.sessionId)
  const options = { ...hardened, name, Labels: { ...hardened.Labels, [epochLabel]: String(epoch) }, OpenStdin: true, StdinOnce: false }
  try {
    if (image === null && setUp === null) return await createContainer(docker, options, signal)
    if (image !== null) await assertOwnImage(docker, image, { tenantId: spec.tenantId, kind: 'checkpoint' })
    else if (setUp !== null) await assertOwnImage(docker, setUp, { tenantId: spec.tenantId, kind: 'setup' })
    const { id } = await askEngine((abortSignal) => docker.createContainer({ ...options, abortSignal }))
    if (image !== null) await askEngine((abortSignal) => docker.getContainer(id).putArchive(epochReset, { path: callsFolder, abortSignal }))
    return id
  } catch (error) {
    if (statusOf(error) === 409) return null
    throw toSandboxError(error, name)
  }
}

/** Answers the container's id. An image that the engine lacks is pulled; one of the platform's own is refused. */
export const createContainer = async (docker: Docker, options: ContainerCreateOptions, signal: AbortSignal): Promise<string> => {
  const image = options.Image ?? ''
  const imageId = await resolveImage(docker, image, signal)
  try {
    signal.throwIfAborted()
    return (await askEngine((abortSignal) => docker.createContainer({ ...options, Image: imageId, abortSignal }))).id
  } catch (error) {
    if (statusOf(error) === 400) throw new SandboxImageError(`No container can be made of image ${image}.`, { cause: error })
    throw error
  }
}
