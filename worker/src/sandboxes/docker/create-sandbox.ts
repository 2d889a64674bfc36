import type Docker from 'dockerode'
import type { ContainerCreateOptions } from 'dockerode'
import { runnerScript } from '../runner/runner-script.ts'
import { SandboxImageError, type SandboxSpec } from '../sandbox.ts'
import { maxProcesses, toContainerOptions } from './container-options.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { pullImage } from './pull-image.ts'
import { callsFolder, skeleton } from './skeleton.ts'

export const containerNameOf = (sessionId: string): string => `longhaul-${sessionId.toLowerCase()}`

/** Makes the session's container, not yet started. Of two workers that race, both get the one that was made. */
export const createSandbox = async (
  docker: Docker,
  spec: SandboxSpec,
  { instance, signal }: { instance: string; signal: AbortSignal },
): Promise<string> => {
  const command = ['sh', '-c', runnerScript, 'runner', callsFolder, '/workspace', String(maxProcesses / 2)]
  const name = containerNameOf(spec.sessionId)
  const options = { ...toContainerOptions({ ...spec, kind: 'sandbox', instance, command }), name, OpenStdin: true, StdinOnce: false }
  try {
    const id = await createContainer(docker, options, signal).catch((error: unknown) => {
      if (statusOf(error) !== 409) throw error
      return askEngine(async (abortSignal) => (await docker.getContainer(name).inspect({ abortSignal })).Id)
    })
    // Again where another made it: it may have died, or still be, between making the container and filling it.
    await askEngine((abortSignal) => docker.getContainer(id).putArchive(skeleton, { path: '/', abortSignal }))
    return id
  } catch (error) {
    throw toSandboxError(error, name)
  }
}

/** Answers the container's id. An image that the engine lacks is pulled. */
export const createContainer = async (docker: Docker, options: ContainerCreateOptions, signal: AbortSignal): Promise<string> => {
  const image = options.Image ?? ''
  const create = async () => (await askEngine((abortSignal) => docker.createContainer({ ...options, abortSignal }))).id
  try {
    signal.throwIfAborted()
    return await create()
  } catch (error) {
    if (statusOf(error) === 400) throw new SandboxImageError(`No container can be made of image ${image}.`, { cause: error })
    if (statusOf(error) !== 404) throw error
    await pullImage(docker, image, signal)
    return await create()
  }
}
