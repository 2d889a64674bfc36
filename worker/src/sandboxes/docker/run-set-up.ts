import { readFileSync } from 'node:fs'
import type Docker from 'dockerode'
import type { Container, ContainerCreateOptions, ContainerInspectInfo } from 'dockerode'
import type { SetUpSpec, SetUpWatch } from '../set-ups.ts'
import { toContainerOptions } from './container-options.ts'
import { askEngine, statusOf } from './engine.ts'
import { runToEnd } from './run-to-end.ts'
import { skeleton } from './skeleton.ts'

/** As a shell gets it on its command line: nothing has to be in the image. */
const setUpScript = readFileSync(new URL('./set-up.sh', import.meta.url), 'utf8')

/** The engine adds up every file of the layer at each look; few builds run at once, and a filler must not get far. */
const diskCheckMs = 2_000
const sizeMs = 60_000

/** What package managers need of root: to own, to overrule, to become another user. None reaches beyond the container. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID']

export type RanSetUp = { container: Container; exitCode: number | null; outOfMemory: boolean; diskFull: boolean }

export const buildContainerName = (buildId: string): string => `longhaul-${buildId.toLowerCase()}`

/**
 * Runs a set-up's script to its end, as the main process of a container of its own that has no network and nothing of the host. The
 * container is left to the caller, who keeps it as an image or removes it. `exitCode` is null where its time was up.
 */
export const runSetUp = async (
  { docker, instance }: { docker: Docker; instance: string },
  spec: SetUpSpec,
  { signal, onOutput }: SetUpWatch,
): Promise<RanSetUp> => {
  const { id } = await askEngine((abortSignal) => docker.createContainer({ ...toSetUpOptions(spec, instance), abortSignal }))
  const container = docker.getContainer(id)
  try {
    await askEngine((abortSignal) => container.putArchive(skeleton, { path: '/', abortSignal }))
    signal.throwIfAborted()
    const disk = watchDisk(container, spec.diskMb)
    const exitCode = await runToEnd(container, { timeoutMs: spec.timeoutMs, onOutput, signal }).finally(disk.stop)
    signal.throwIfAborted()
    const { State, SizeRw = 0 } = await inspectSize(container)
    return { container, exitCode, outOfMemory: State.OOMKilled, diskFull: disk.isFull() || SizeRw > spec.diskMb * 2 ** 20 }
  } catch (error) {
    await removeContainer(container)
    throw error
  }
}

/** Labelled: should this fail or the process die, the reaper removes it. */
export const removeContainer = (container: Container): Promise<void> => container.remove({ force: true, v: true }).catch(() => {})

const toSetUpOptions = (spec: SetUpSpec, instance: string): ContainerCreateOptions => {
  const { tenantId, buildId, baseImageId, script, cpus, memoryMb, diskMb } = spec
  const size = { cpus, memoryMb, diskMb }
  const command = ['sh', '-c', setUpScript, 'set-up', script]
  const hardened = toContainerOptions({ ...size, tenantId, sessionId: '', image: baseImageId, kind: 'build', instance, command })
  return {
    ...hardened,
    name: buildContainerName(buildId),
    User: '0:0',
    WorkingDir: '/',
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'USER=root', 'LANG=C.UTF-8'],
    Labels: { 'longhaul.kind': 'build', 'longhaul.tenant': tenantId, 'longhaul.build': buildId, 'longhaul.instance': instance },
    HostConfig: {
      ...hardened.HostConfig,
      CapAdd: capabilities,
      // The workspace is the session's: what were put there would come back after the agent has deleted it. A script that tries is told.
      Tmpfs: { '/workspace': 'ro,size=4k' },
    },
  }
}

/** overlay2 over ext4 has no quota: one that is found above the limit is killed. */
const watchDisk = (container: Container, diskMb: number): { isFull(): boolean; stop(): void } => {
  let full = false
  let asking = false
  const look = async (): Promise<void> => {
    if (asking || full) return
    asking = true
    try {
      const { SizeRw = 0 } = await inspectSize(container)
      if (SizeRw <= diskMb * 2 ** 20) return
      full = true
      await askEngine((abortSignal) => container.kill({ signal: 'SIGKILL', abortSignal }))
    } catch {
      // The run itself tells what became of the container, and the next look is near.
    } finally {
      asking = false
    }
  }
  const timer = setInterval(() => void look(), diskCheckMs)
  return { isFull: () => full, stop: () => clearInterval(timer) }
}

/** The types of dockerode know neither the question nor the answer. */
const inspectSize = (container: Container): Promise<ContainerInspectInfo & { SizeRw?: number }> =>
  askEngine((abortSignal) => {
    const options = { size: true, abortSignal }
    return container.inspect(options)
  }, sizeMs)

/** What an earlier attempt at the same build left behind, its script still at work perhaps. */
export const removeEarlier = async (docker: Docker, buildId: string): Promise<void> => {
  try {
    await askEngine((abortSignal) => docker.getContainer(buildContainerName(buildId)).remove({ force: true, v: true, abortSignal }))
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
}
