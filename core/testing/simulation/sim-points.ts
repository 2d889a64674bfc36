import { findOpenCalls } from '../../src/checkpoints/find-open-calls.ts'
import type { RewindTarget } from '../../src/checkpoints/rewind-target.ts'
import { skipUndone } from '../../src/events/undone.ts'
import type { SimSession, SimStore } from './sim-store.ts'

/**
 * A session's checkpoint as a worker takes one where nobody holds the claim, in memory and in the log; null where one can't be taken:
 * somebody works, or a call has no result that nobody has asked for yet.
 */
export const takePoint = (store: SimStore, session: SimSession): RewindTarget | null => {
  const openCalls = findOpenCalls(skipUndone(session.log))
  if (session.claim.workerId !== null || openCalls.some(({ callSeq }) => callSeq !== null)) return null
  const { fold, threadId } = session
  const thread = fold.threads.get(threadId)
  const context = {
    contextFromSeq: thread?.contextFromSeq ?? 1,
    contextTokens: thread?.contextTokens ?? 0,
    undone: thread?.undone ?? [],
    filesUndone: fold.filesUndone,
    unread: store.unread(session),
    openCalls,
    baselineSnapshotId: null,
  }
  const checkpointId = `ckp_${session.id}_${fold.head}`
  const point = { checkpointId, seq: fold.head, label: null, problem: null, context, engineId: null, origin: null }
  const said = { checkpointId, seq: fold.head, trigger: 'MANUAL' as const, label: null, files: 'none' as const }
  store.append({ sessionId: session.id, epoch: null, events: [{ type: 'session.checkpointed', actor: 'key', payload: said }] })
  return { ...point, sandbox: null }
}
