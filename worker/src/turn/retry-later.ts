import { statusEvent } from './settle-turn.ts'
import type { Stretch } from './stretch.ts'

export type Failure = {
  message: string
  status: number | null
  retryAfterMs: number | null
  /** Trying again would fail the same way. */
  final: boolean
  costNanos: bigint | null
}

/**
 * Lets go of the turn until the back-off is over: it holds no worker meanwhile. Exponential with full jitter, never before the
 * provider's own retry-after. After `maxRetries` the session is paused: a person may resume it.
 */
export const retryLater = async (stretch: Stretch, failure: Failure): Promise<'let_go'> => {
  const { limits } = stretch.parts
  const { id: turnId, attempt } = stretch.claim.turn
  const cost = failure.costNanos === null || failure.costNanos === 0n ? {} : { costNanos: failure.costNanos }
  if (failure.final || attempt >= limits.maxRetries) {
    await stretch.append(
      [
        {
          type: 'harness.error',
          actor: 'platform',
          payload: { turnId, next: 'gave_up', message: failure.message, status: failure.status, attempt: attempt + 1 },
          ...cost,
        },
        statusEvent('PAUSED', 'RETRIES_EXHAUSTED'),
      ],
      { turn: { op: 'wait', turnId, reason: 'paused' } },
    )
    return 'let_go'
  }
  const dueInMs = backOffMs({ attempt, retryAfterMs: failure.retryAfterMs, random: Math.random(), ...limits })
  await stretch.append(
    [
      {
        type: 'harness.error',
        actor: 'platform',
        payload: {
          turnId,
          next: 'retrying',
          message: failure.message,
          status: failure.status,
          attempt: attempt + 1,
          retryAt: new Date(Date.now() + dueInMs).toISOString(),
        },
        ...cost,
      },
    ],
    { turn: { op: 'delay', turnId, dueInMs, attempt: attempt + 1, reason: 'retry' } },
  )
  return 'let_go'
}

/** A provider that asks for more than this is asked again anyway: nothing would wake the session by then. */
const MAX_RETRY_AFTER_MS = 3_600_000

/** Milliseconds until the next attempt. `attempt` counts the failures before this one; `random` is in [0, 1). */
export const backOffMs = ({
  attempt,
  retryAfterMs,
  random,
  retryBaseMs,
  retryMaxMs,
}: {
  attempt: number
  retryAfterMs: number | null
  random: number
  retryBaseMs: number
  retryMaxMs: number
}): number => {
  const ceiling = Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(attempt, 20))
  const jittered = Math.round(ceiling / 2 + (ceiling / 2) * random)
  return Math.max(jittered, Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS))
}
