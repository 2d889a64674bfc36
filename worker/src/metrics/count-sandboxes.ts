import type { Logger } from '@longhaul/core/src/logger.ts'
import { defineGauge } from '@longhaul/core/src/metrics/define-gauge.ts'
import { rememberBriefly } from '@longhaul/core/src/metrics/remember-briefly.ts'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'

/** An engine with thousands of containers is asked for their list at most this often. */
const REMEMBER_MS = 10_000
const KINDS = ['sandbox', 'check', 'clone', 'build'] as const

/** What this worker's engine holds of this installation. Workers of one engine say the same. Absent while the engine does not answer. */
export const countSandboxes = (provider: Pick<SandboxProvider, 'list'>, logger: Logger): void => {
  const list = rememberBriefly(() => provider.list(), REMEMBER_MS)
  defineGauge(
    {
      name: 'longhaul_sandboxes',
      help: "Containers of this installation on this worker's engine. kind: sandbox, check, clone, build; state: running or stopped.",
      labels: ['kind', 'state'],
    },
    async () => {
      try {
        const found = await list()
        const count = (kind: string, running: boolean) => found.filter((one) => one.kind === kind && one.running === running).length
        return KINDS.flatMap((kind) => [
          { labels: { kind, state: 'running' }, value: count(kind, true) },
          { labels: { kind, state: 'stopped' }, value: count(kind, false) },
        ])
      } catch (error) {
        logger.warn({ err: error }, 'the sandboxes could not be counted')
        return null
      }
    },
  )
}
