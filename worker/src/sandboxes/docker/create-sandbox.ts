import { randomUUID } from 'node:crypto'
import type Docker from 'dockerode'
import type { ContainerCreateOptions } from 'dockerode'
import { runnerScript } from '../runner/runner-script.ts'
import { SandboxImageError, type SandboxSpec } from '../sandbox.ts'
import { type ContainerSpec, maxProcesses, toContainerOptions } from './container-options.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { assertOwnImage, resolveImage } from './resolve-image.ts'
import { callsFolder } from './skeleton.ts'

/** Who made it: until it is marked as ready, only a later claimant may put another in its place. */
export const epochLabel = 'longhaul.epoch'

const namePrefix = 'longhaul-'
/** One that was made ahead has a name of this kind, until it is a session's. */
export const warmNamePrefix = 'longhaul-warm-'

export const containerNameOf = (sessionId: string): string => `${namePrefix}${sessionId.toLowerCase()}`

export const isWarmName = (name: string): boolean => name.startsWith(warmNamePrefix)

/** Whose a container is that was made ahead: its labels were written before anybody knew. */
export const sessionOfName = (name: string): string => name.slice(namePrefix.length)

/** What a container with a runner is made with, whoever it is for. */
export const toSandboxOptions = ({
  name,
  labels,
  ...spec
}: Omit<ContainerSpec, 'command'> & { name: string; labels: Record<string, string> }): ContainerCreateOptions => {
  const command = ['sh', '-c', runnerScript, 'runner', callsFolder, '/workspace', String(maxProcesses - 64), randomUUID()]
  const hardened = toContainerOptions({ ...spec, command })
  return { ...hardened, name, Labels: { ...hardened.Labels, ...labels }, OpenStdin: true, StdinOnce: false }
}

/**
 * The id of the image that a sandbox is made from: a kept one, else the one with the environment's set-up, else the environment's own.
 * Where one of the first two has gone meanwhile, SandboxUnavailableError.
 */
export const chooseImage = async (
  docker: Docker,
  { tenantId, sessionId, image }: SandboxSpec,
  { kept, setUp, signal }: { kept: string | null; setUp: string | null; signal: AbortSignal },
): Promise<string> => {
  try {
    if (kept !== null) await assertOwnImage(docker, kept, { tenantId, kind: 'checkpoint' })
    else if (setUp !== null) await assertOwnImage(docker, setUp, { tenantId, kind: 'setup' })
    return kept ?? setUp ?? (await resolveImage(docker, image, signal))
  } catch (error) {
    throw toSandboxError(error, containerNameOf(sessionId))
  }
}

/** Makes the session's container, not yet started, and answers its id; null where one of its name stands. */
export const createSandbox = async (
  docker: Docker,
  spec: SandboxSpec,
  { instance, epoch, signal, imageId }: { instance: string; epoch: number; signal: AbortSignal; imageId: string },
): Promise<string | null> => {
  const name = containerNameOf(spec.sessionId)
  const labels = { [epochLabel]: String(epoch) }
  const options = toSandboxOptions({ ...spec, image: imageId, kind: 'sandbox', instance, name, labels })
  try {
    signal.throwIfAborted()
    return (await askEngine((abortSignal) => docker.createContainer({ ...options, abortSignal }))).id
  } catch (error) {
    if (statusOf(error) === 409) return null
    if (statusOf(error) === 400) throw new SandboxImageError(`No container can be made of image ${spec.image}.`, { cause: error })
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
