import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { toContainerOptions } from '@longhaul/worker/src/sandboxes/docker/container-options.ts'
import { createDocker } from '@longhaul/worker/src/sandboxes/docker/engine.ts'
import type { Container, ContainerCreateOptions } from 'dockerode'

export type BareChannel = { run(command: string): Promise<void>; remove(): Promise<void> }

const docker = createDocker(process.env['DOCKER_HOST'])

/** A container as our sandboxes are, with a shell that runs each line it reads: what a command costs over one attached channel at the least. */
export const openBareChannel = async (image: string): Promise<BareChannel> => {
  const loop = 'while read -r line; do sh -c "$line" </dev/null; echo "$?"; done'
  const container = await docker.createContainer({ ...bareOptions(image, ['sh', '-c', loop]), OpenStdin: true, StdinOnce: false })
  const stream = (await container.attach({ stream: true, hijack: true, stdin: true, stdout: true })) as unknown as Duplex
  await container.start()
  const run = async (command: string): Promise<void> => {
    stream.write(`${command}\n`)
    await once(stream, 'data')
  }
  return {
    run,
    remove: async () => {
      stream.destroy()
      await container.remove({ force: true, v: true })
    },
  }
}

/** Create, start, exec: a first command as the engine's API offers it. Resolves with the milliseconds until its end was heard. */
export const timeFirstExec = async (image: string, command: string): Promise<number> => {
  const startedAt = performance.now()
  const container = await docker.createContainer(bareOptions(image, ['sleep', '600']))
  try {
    await container.start()
    await runExec(container, command)
    return performance.now() - startedAt
  } finally {
    await container.remove({ force: true, v: true })
  }
}

/** The engine hears late of its own freezing: thawed at once, it passes for frozen a moment longer. */
export const settleMs = 100

export type BarePaused = { timeFirstExec(command: string): Promise<number>; remove(): Promise<void> }

/** A container as our sandboxes are, frozen: unpause, exec, as the engine's API offers it. It is frozen again outside the time. */
export const openBarePaused = async (image: string): Promise<BarePaused> => {
  const container = await docker.createContainer(bareOptions(image, ['sleep', '600']))
  await container.start()
  return {
    timeFirstExec: async (command) => {
      await container.pause()
      await sleep(settleMs)
      const startedAt = performance.now()
      await container.unpause()
      await runExec(container, command)
      return performance.now() - startedAt
    },
    remove: () => container.remove({ force: true, v: true }),
  }
}

const runExec = async (container: Container, command: string): Promise<void> => {
  const exec = await container.exec({ Cmd: ['sh', '-c', command], AttachStdout: true, AttachStderr: true })
  const output = await exec.start({})
  output.resume()
  await once(output, 'end')
}

export const bareOptions = (image: string, command: string[]): ContainerCreateOptions =>
  toContainerOptions({
    image,
    command,
    kind: 'sandbox',
    instance: `bench-${process.pid}`,
    tenantId: 'bench',
    sessionId: 'bench',
    cpus: 1,
    memoryMb: 1_024,
    diskMb: 4_096,
  })
