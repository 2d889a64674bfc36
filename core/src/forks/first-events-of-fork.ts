import type { OpenCall } from '../checkpoints/checkpoint.ts'
import { endOpenCalls } from '../checkpoints/end-open-calls.ts'
import type { EventPayloads, NewEvent } from '../events/event.ts'
import { createId } from '../ids.ts'

/** What a fork begins with, as the database says it. */
export type ForkedFrom = Omit<EventPayloads['session.forked'], 'v' | 'checkpointId' | 'engineId'> & {
  openCalls: OpenCall[]
  conditions: { name: string; kind: EventPayloads['condition.added']['kind']; spec: Record<string, unknown>; waived: string | null }[]
}

const NOT_RUN = 'Not run: the session was forked before this call began.'

/**
 * From where it was forked; the end of calls that were asked for and had not begun; its own conditions, none of them judged yet, those waived
 * that were waived there; and
 * what it is to do. The prompt is read before the model is asked again, also where the parent was in the middle of its work.
 */
export const firstEventsOfFork = (
  { openCalls, conditions, ...forked }: ForkedFrom,
  { checkpointId, engineId, actor, prompt }: { checkpointId: string; engineId: string | null; actor: string; prompt: string | null },
): NewEvent[] => [
  { type: 'session.forked', actor, payload: { ...forked, checkpointId, engineId } },
  ...endOpenCalls(openCalls, { notRun: NOT_RUN }),
  ...conditions.flatMap(({ waived, ...condition }): NewEvent[] => {
    const conditionId = createId('cnd')
    const added: NewEvent = { type: 'condition.added', actor, payload: { conditionId, ...condition } }
    if (waived === null) return [added]
    // Somebody with the right to has decided it: whoever forks can't ask for it again unawares, nor was he asked.
    return [added, { type: 'condition.waived', actor: 'platform', payload: { conditionId, name: condition.name, reason: waived } }]
  }),
  { type: 'session.status', actor: 'platform', payload: { status: 'QUEUED', stopReason: null, activity: null } },
  ...(prompt === null ? [] : [{ type: 'user.message' as const, actor, payload: { text: prompt, mode: 'steer' as const } }]),
]
