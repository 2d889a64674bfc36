import { CHANGING_TOOLS } from '@longhaul/core/src/checkpoints/is-checkpoint-due.ts'
import type { LogEvent } from '@longhaul/core/src/events/event.ts'

/**
 * Calls that may have changed the session's sandbox and whose effects a new one, made from what the log held at `originSeq` (null: from
 * the resources), does not have. Those that went with an earlier sandbox, or with files that were taken back, are not lost a second time. Pure.
 */
export const findLostCalls = (events: readonly LogEvent[], originSeq: number | null): number[] => {
  const gone = new Set(events.flatMap(goneWith))
  return events.flatMap((event) =>
    event.type === 'agent.tool_call' && event.seq > (originSeq ?? 0) && CHANGING_TOOLS.has(event.payload.name) && !gone.has(event.seq)
      ? [event.seq]
      : [],
  )
}

const goneWith = (event: LogEvent): number[] => {
  if (event.type === 'sandbox.state') return event.payload.state === 'LOST' ? (event.payload.lostCalls ?? []) : []
  return event.type === 'session.rewound' ? (event.payload.files?.lostCalls ?? []) : []
}
