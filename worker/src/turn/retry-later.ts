import { findUnreadable, type LogEvent } from '@longhaul/core/src/events/event.ts'
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
 * provider's own retry-after. After `maxRetries` the session is paused: a person may resume it. A provider that is asked too often is
 * no failure: such a session comes back until it is let in. One whose log can't be read has FAILED: no later attempt reads another.
 */
export const retryLater = async (stretch: Stretch, failure: Failure): Promise<'let_go'> => {
  const { limits } = stretch.parts
  const { id: turnId, attempt } = stretch.claim.turn
  const cost = failure.costNanos === null || failure.costNanos === 0n ? {} : { costNanos: failure.costNanos }
  const unreadable = findUnreadable(stretch.events)
  if (unreadable !== null) {
    const message = `event ${unreadable.seq} of the log (${unreadable.type}) can't be read`
    await stretch.append(
      [
        { type: 'harness.error', actor: 'platform', payload: { turnId, next: 'gave_up', message, status: failure.status }, ...cost },
        statusEvent('FAILED', 'UNRECOVERABLE'),
      ],
      { turn: { op: 'settle', turnId, outcome: 'unrecoverable', next: null } },
    )
    return 'let_go'
  }
  const gaveUp = failure.status !== RATE_LIMITED && countFailures(stretch.events, { turnId, attempt }) >= limits.maxRetries
  if (failure.final || gaveUp) {
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

const RATE_LIMITED = 429

/** Of the last `attempt` times that the turn was put off, those that were failures. Pure. */
export const countFailures = (events: readonly LogEvent[], { turnId, attempt }: { turnId: string; attempt: number }): number => {
  const statuses = events.flatMap((event) =>
    event.type === 'harness.error' && event.payload.turnId === turnId && event.payload.next === 'retrying' ? [event.payload.status] : [],
  )
  return statuses.slice(Math.max(0, statuses.length - attempt)).filter((status) => status !== RATE_LIMITED).length
}

/** A provider that asks for more than this is asked again anyway: nothing would wake the session by then. */
const MAX_RETRY_AFTER_MS = 3_600_000

/**
 * Milliseconds until the next attempt: on top of what the provider asks for, and spread over as long again, because it asks the same of
 * all that it sends away. `attempt` counts those before this one; `random` is in [0, 1).
 */
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
  const told = Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)
  return told + Math.round(ceiling / 2 + Math.max(ceiling / 2, told) * random)
}
