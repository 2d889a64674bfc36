import { DockerProvider } from '@longhaul/worker/src/sandboxes/docker/docker-provider.ts'
import { createDocker } from '@longhaul/worker/src/sandboxes/docker/engine.ts'
import { bash } from '@longhaul/worker/src/tools/bash.ts'

export type BareSandbox = { timeNoOp(): Promise<number>; remove(): Promise<void> }

/** A sandbox of ours with no turn around it: what a tool call takes by itself. */
export const openBareSandbox = async (image: string): Promise<BareSandbox> => {
  const instance = `bench-${process.pid}`
  const sessionId = `ses_bench_${process.pid}`
  const docker = createDocker(process.env['DOCKER_HOST'])
  const provider = new DockerProvider({ docker, instance, git: { allowedPrivateHosts: [], caFile: null, image } })
  const { signal } = new AbortController()
  const spec = { tenantId: 'bench', sessionId, image, cpus: 1, memoryMb: 1_024, diskMb: 4_096 }
  const { sandbox } = await provider.open(spec, { epoch: 1, filledId: null, signal })
  let callNo = 0
  return {
    timeNoOp: async () => {
      const startedAt = performance.now()
      const { isError } = await bash.run({ command: 'true' }, { sandbox, callNo: ++callNo, signal, maxOutputBytes: 30_000 })
      if (isError) throw new Error('a command that does nothing failed')
      return performance.now() - startedAt
    },
    remove: async () => {
      await sandbox.detach()
      await provider.remove(sessionId)
    },
  }
}
