import type { Logger } from '@longhaul/core/src/logger.ts'
import { defineGauge } from '@longhaul/core/src/metrics/define-gauge.ts'
import { rememberBriefly } from '@longhaul/core/src/metrics/remember-briefly.ts'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'

/** An engine with thousands of containers is asked for their list at most this often. */
const REMEMBER_MS = 10_000
const KINDS = ['sandbox', 'check', 'clone', 'build', 'warm'] as const
const STATES = ['running', 'paused', 'stopped'] as const

/** What this worker's engine holds of this installation. Workers of one engine say the same. Absent while the engine does not answer. */
export const countSandboxes = (provider: Pick<SandboxProvider, 'list'>, logger: Logger): void => {
  const list = rememberBriefly(() => provider.list(), REMEMBER_MS)
  defineGauge(
    {
      name: 'longhaul_sandboxes',
      help: "Containers of this installation on this worker's engine. kind: sandbox, check, clone, build, warm; state: running, paused or stopped.",
      labels: ['kind', 'state'],
    },
    async () => {
      try {
        const found = await list()
        const stateOf = ({ running, paused }: (typeof found)[number]) => (running ? 'running' : paused ? 'paused' : 'stopped')
        return KINDS.flatMap((kind) =>
          STATES.map((state) => ({
            labels: { kind, state },
            value: found.filter((one) => one.kind === kind && stateOf(one) === state).length,
          })),
        )
      } catch (error) {
        logger.warn({ err: error }, 'the sandboxes could not be counted')
        return null
      }
    },
  )
}
