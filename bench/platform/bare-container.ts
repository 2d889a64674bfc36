import { once } from 'node:events'
import { createDocker } from '@longhaul/worker/src/sandboxes/docker/engine.ts'
import { bareOptions } from './bare-sandbox.ts'

export type BareContainer = {
  id: string
  start(): Promise<void>
  stop(): Promise<void>
  /** Resolves once the command's end was heard. */
  exec(command: string): Promise<void>
  /** The whole file system as an image, paused meanwhile; the image is removed by `forget`. */
  commit(): Promise<{ forget(): Promise<void> }>
  remove(): Promise<void>
}

const docker = createDocker(process.env['DOCKER_HOST'])

/** A container as our sandboxes are, made and not started, with nothing of ours inside: through the engine's API, as anybody would. */
export const createBareContainer = async (image: string): Promise<BareContainer> => {
  const container = await docker.createContainer(bareOptions(image, ['sleep', '3600']))
  return {
    id: container.id,
    start: () => container.start(),
    stop: () => container.stop({ t: 1 }),
    exec: async (command) => {
      const exec = await container.exec({ Cmd: ['sh', '-c', command], AttachStdout: true, AttachStderr: true })
      const output = await exec.start({})
      output.resume()
      await once(output, 'end')
    },
    commit: async () => {
      const { Id } = (await container.commit({ pause: true })) as { Id: string }
      return { forget: () => docker.getImage(Id).remove() }
    },
    remove: () => container.remove({ force: true, v: true }),
  }
}
