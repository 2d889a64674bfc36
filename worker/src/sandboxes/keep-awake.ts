import type { Logger } from '@longhaul/core/src/logger.ts'
import { createGate } from '@longhaul/core/src/queue/create-gate.ts'
import type { ClaimedTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import type { SandboxProvider } from './sandbox.ts'

/** How long a sandbox lives without work, and for how long after the last work running processes keep it from being stopped. */
export type IdleTimes = { idleMs: number; keepAwakeMs: number }

export const toIdleTimes = (
  { idleSeconds, keepAwakeSeconds }: Pick<ClaimedTurn['environmentVersion'], 'idleSeconds' | 'keepAwakeSeconds'>,
  defaultIdleMs: number,
): IdleTimes => ({ idleMs: idleSeconds === null ? defaultIdleMs : idleSeconds * 1_000, keepAwakeMs: keepAwakeSeconds * 1_000 })

/** One that is kept awake is looked at again no more often, and one whose processes have ended stays no longer. */
const LOOK_MIN_MS = 1_000
const LOOK_MAX_MS = 60_000

/** Every look is a process on the engine's machine: of a thousand sandboxes that grow idle at once only so many are looked at. */
const looks = createGate(4)

/**
 * A sandbox's time without work is over. Says in how many milliseconds to ask again because processes of the agent run in it, or null:
 * it is to be stopped. What nobody can say counts as running: the limit ends that too.
 */
export const findNextLook = async (
  { provider, logger }: { provider: Pick<SandboxProvider, 'hasProcesses'>; logger: Logger },
  { sessionId, idleForMs, times }: { sessionId: string; idleForMs: number; times: IdleTimes },
): Promise<number | null> => {
  const leftMs = times.keepAwakeMs - idleForMs
  if (leftMs <= 0) return null
  const runs = await looks
    .run(() => provider.hasProcesses(sessionId))
    .catch((error: unknown) => {
      logger.warn({ err: error, sessionId }, 'nobody can say whether processes keep a sandbox awake')
      return true
    })
  return runs ? Math.min(Math.max(times.idleMs, LOOK_MIN_MS), LOOK_MAX_MS, leftMs) : null
}
