import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DockerProvider } from '@longhaul/worker/src/sandboxes/docker/docker-provider.ts'
import { createDocker } from '@longhaul/worker/src/sandboxes/docker/engine.ts'
import type { SandboxSpec } from '@longhaul/worker/src/sandboxes/sandbox.ts'
import type { Bench } from '../figure.ts'
import { median, percentile } from '../percentile.ts'
import { openBarePaused, settleMs, timeFirstExec } from '../platform/bare-sandbox.ts'

const SAMPLES = 40
const size = { cpus: 1, memoryMb: 1_024, diskMb: 4_096 }
const never = new AbortController().signal

/** From asking for a sandbox to the end of its first command: one kept ready, one frozen for want of work; beside the engine's own API. */
export const benchWarmPool: Bench = async ({ smoke, image }) => {
  const docker = createDocker(process.env['DOCKER_HOST'])
  const provider = new DockerProvider({ docker, instance: `bench-${process.pid}`, git: { allowedPrivateHosts: [], caFile: null, image } })
  const kind = { imageId: (await docker.getImage(image).inspect()).Id, ...size }
  const bare = await openBarePaused(image)
  const claimed: number[] = []
  const resumed: number[] = []
  const bareNew: number[] = []
  const barePaused: number[] = []
  let callNo = 0

  const timeFirst = async (spec: SandboxSpec, { epoch, filledId }: { epoch: number; filledId: string | null }) => {
    const startedAt = performance.now()
    const { sandbox, fresh } = await provider.open(spec, { epoch, filledId, signal: never })
    const { exitCode } = await sandbox.run({ callNo: ++callNo, script: 'true', timeoutMs: 20_000, maxOutputBytes: 1_000 }, never)
    const tookMs = performance.now() - startedAt
    if (exitCode !== 0) throw new Error('a command that does nothing failed')
    await sandbox.detach()
    return { tookMs, id: sandbox.id, fresh }
  }

  try {
    for (let sample = 0; sample < (smoke ? 2 : SAMPLES); sample++) {
      await provider.warm.make(kind, 'bench')
      await sleep(settleMs)
      const ready = provider.warm.waiting()[0]?.id
      const spec: SandboxSpec = { tenantId: 'bench', sessionId: `ses_bench_${randomUUID()}`, image, ...size }
      const first = await timeFirst(spec, { epoch: 1, filledId: null })
      if (first.id !== ready) throw new Error('the session did not get the sandbox that was ready')
      claimed.push(first.tookMs)
      barePaused.push(await bare.timeFirstExec('true'))
      if (!(await provider.pause(spec.sessionId))) throw new Error('the sandbox could not be frozen')
      await sleep(settleMs)
      const again = await timeFirst(spec, { epoch: 2, filledId: first.id })
      if (again.fresh) throw new Error('the frozen sandbox was not used again')
      resumed.push(again.tookMs)
      bareNew.push(await timeFirstExec(image, 'true'))
      await provider.remove(spec.sessionId)
    }
  } finally {
    await bare.remove()
    for (const { id } of await provider.list()) await provider.removeById(id)
  }
  const beside = (percent: number) => ({ what: 'bare unpause + exec', value: percentile(barePaused, percent) })
  return [
    {
      what: 'from the pool to the first command answered, p50',
      measured: median(claimed),
      unit: 'ms',
      yardstick: beside(50),
      target: { of: 'measured', atMost: 25 },
    },
    {
      what: 'from the pool to the first command answered, p95',
      measured: percentile(claimed, 95),
      unit: 'ms',
      yardstick: beside(95),
      target: { of: 'measured', atMost: 60 },
    },
    {
      what: 'the same, beside a new one, p50',
      measured: median(claimed),
      unit: 'ms',
      yardstick: { what: 'bare create + start + exec', value: median(bareNew) },
    },
    { what: 'a frozen sandbox to its next command answered, p50', measured: median(resumed), unit: 'ms', yardstick: beside(50) },
    { what: 'a frozen sandbox to its next command answered, p95', measured: percentile(resumed, 95), unit: 'ms', yardstick: beside(95) },
  ]
}
