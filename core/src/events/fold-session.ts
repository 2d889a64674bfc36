/**
 * What a session is, told from its log alone: the same fold that append_to_log keeps in SQL as the log grows (invariant 1). Tests and
 * the checker rebuild it and compare. What no event says is not in it: wishes, claims, turns, times of work.
 */
import type { EventOf, LogEvent } from './event.ts'
import type { SessionStatus, StopReason } from './session-events.ts'
import type { Undone } from './undone.ts'

/** `undone`: what the thread's context skips. */
export type ThreadFold = { contextFromSeq: number; contextTokens: number; costNanos: bigint; undone: Undone }
export const NEW_THREAD: ThreadFold = { contextFromSeq: 1, contextTokens: 0, costNanos: 0n, undone: [] }
export type ConditionFold = {
  name: string
  kind: string
  position: number
  status: 'PENDING' | 'SATISFIED' | 'UNSATISFIED' | 'WAIVED'
  lastEvaluationId: string | null
}
export type SandboxFold = {
  state: string
  sandboxId: string | null
  provider: string
  image: string
  usedAt: Date
}

export type SessionFold = {
  head: number
  status: SessionStatus
  stopReason: StopReason | null
  activity: string | null
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
  turns: number
  toolCalls: number
  evaluationRounds: number
  roundsSinceMessage: number
  sandbox: SandboxFold | null
  /** Whose workers run it: the engine of its sandbox, or of the checkpoint it was forked from. */
  engineId: string | null
  baselineSnapshotId: string | null
  /** Stretches whose checkpoints' files are not gone on from, and the checkpoint that files were last taken back to. */
  filesUndone: Undone
  filesCheckpointId: string | null
  completedAt: Date | null
  threads: ReadonlyMap<string, ThreadFold>
  conditions: ReadonlyMap<string, ConditionFold>
  /** Messages no turn has read, by seq. */
  unread: ReadonlyMap<number, { threadId: string; mode: string }>
  /** What people put into the workspace, by seq: since which event it is in the sandbox. */
  uploads: ReadonlyMap<number, { path: string; digest: string; placedSeq: number | null }>
  evaluations: number
}

export const EMPTY_FOLD: SessionFold = {
  head: 0,
  status: 'QUEUED',
  stopReason: null,
  activity: null,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  turns: 0,
  toolCalls: 0,
  evaluationRounds: 0,
  roundsSinceMessage: 0,
  sandbox: null,
  engineId: null,
  baselineSnapshotId: null,
  filesUndone: [],
  filesCheckpointId: null,
  completedAt: null,
  threads: new Map(),
  conditions: new Map(),
  unread: new Map(),
  uploads: new Map(),
  evaluations: 0,
}

/** Goes on from `fold`, so that a long log is folded page by page. */
export const foldSession = (events: readonly LogEvent[], fold: SessionFold = EMPTY_FOLD): SessionFold => events.reduce(foldEvent, fold)

const foldEvent = (fold: SessionFold, event: LogEvent): SessionFold => ({ ...fold, ...changeBy(fold, event), head: event.seq })

const changeBy = (fold: SessionFold, event: LogEvent): Partial<SessionFold> => {
  switch (event.type) {
    case 'session.status': {
      const { status, stopReason, activity } = event.payload
      return { status, stopReason, activity, completedAt: status === 'COMPLETED' ? event.createdAt : null }
    }
    case 'agent.message': {
      const { usage } = event.payload
      const cacheWriteTokens = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
      const contextTokens = usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + cacheWriteTokens
      return {
        inputTokens: fold.inputTokens + usage.inputTokens,
        outputTokens: fold.outputTokens + usage.outputTokens,
        cacheReadTokens: fold.cacheReadTokens + usage.cacheReadTokens,
        cacheWriteTokens: fold.cacheWriteTokens + cacheWriteTokens,
        turns: fold.turns + 1,
        threads: withThread(fold, event, (thread) => ({ contextTokens, costNanos: thread.costNanos + (event.costNanos ?? 0n) })),
      }
    }
    case 'agent.tool_call':
      return { toolCalls: fold.toolCalls + 1, activity: event.payload.summary }
    case 'agent.tool_result':
      return { activity: 'model' }
    case 'user.message':
      return { unread: new Map(fold.unread).set(event.seq, { threadId: event.threadId, mode: event.payload.mode }), roundsSinceMessage: 0 }
    case 'user.message_read':
      return { unread: new Map([...fold.unread].filter(([seq]) => !event.payload.seqs.includes(seq))) }
    case 'user.upload': {
      const { path, digest } = event.payload
      return { uploads: new Map(fold.uploads).set(event.seq, { path, digest, placedSeq: null }) }
    }
    case 'user.upload_placed': {
      const placed = new Set([...event.payload.seqs, ...event.payload.refused.map(({ seq }) => seq)])
      return {
        uploads: new Map([...fold.uploads].map(([seq, upload]) => [seq, placed.has(seq) ? { ...upload, placedSeq: event.seq } : upload])),
      }
    }
    case 'agent.compacted':
    case 'agent.reset': {
      const waiting = [...fold.unread].flatMap(([seq, { threadId }]) => (threadId === event.threadId ? [seq] : []))
      return { threads: withThread(fold, event, () => ({ contextFromSeq: Math.min(event.seq, ...waiting) })) }
    }
    case 'sandbox.state': {
      const { state, sandboxId, provider, image, engineId, baselineSnapshotId } = event.payload
      return {
        sandbox: { state, sandboxId, provider, image, usedAt: event.createdAt },
        engineId,
        baselineSnapshotId: baselineSnapshotId ?? fold.baselineSnapshotId,
      }
    }
    case 'session.forked':
      return beginFork(fold, event)
    case 'session.rewound':
      return goBack(fold, event)
    case 'condition.added': {
      const { conditionId, name, kind } = event.payload
      return {
        conditions: new Map(fold.conditions).set(conditionId, {
          name,
          kind,
          position: event.seq,
          status: 'PENDING',
          lastEvaluationId: null,
        }),
      }
    }
    case 'condition.waived':
      return { conditions: withCondition(fold, event.payload.conditionId, () => ({ status: 'WAIVED' })) }
    case 'condition.evaluated': {
      const { conditionId, evaluationId, verdict, round } = event.payload
      const evaluations = fold.evaluations + 1
      if (verdict === 'ERROR') return { evaluations } // the check could not run: no round, no verdict
      const began = round > fold.evaluationRounds
      return {
        evaluations,
        evaluationRounds: began ? round : fold.evaluationRounds,
        roundsSinceMessage: fold.roundsSinceMessage + (began ? 1 : 0),
        conditions: withCondition(fold, conditionId, ({ status }) => ({
          lastEvaluationId: evaluationId,
          status: status === 'WAIVED' ? status : verdict === 'SATISFIED' ? 'SATISFIED' : 'UNSATISFIED',
        })),
      }
    }
    default:
      return {}
  }
}

/**
 * A fork has its parent's context, unread messages, baseline, and what people put in that no sandbox has yet. What it uses, is judged by and runs in is its own: usage counts from
 * the fork on, its conditions are added anew after this event, its sandbox is made when a tool needs one.
 */
const beginFork = (fold: SessionFold, { payload }: EventOf<'session.forked'>): Partial<SessionFold> => {
  const { head, status, stopReason, activity, baselineSnapshotId, filesUndone, completedAt, unread } = fold
  const threads = new Map([...fold.threads].map(([id, thread]) => [id, { ...thread, costNanos: 0n }]))
  const uploads = new Map([...fold.uploads].filter(([, { placedSeq }]) => placedSeq === null))
  const inherited = { uploads, head, status, stopReason, activity, baselineSnapshotId, filesUndone, completedAt, unread, threads }
  return { ...EMPTY_FOLD, ...inherited, engineId: payload.engineId }
}

/** What people set (conditions, caps) and what was spent stay; verdicts were about what is no more. A person has spoken. */
const goBack = (fold: SessionFold, event: EventOf<'session.rewound'>): Partial<SessionFold> => {
  const { thread, files } = event.payload
  const conditions = new Map(
    [...fold.conditions].map(([id, condition]) => [
      id,
      condition.status === 'WAIVED' ? condition : { ...condition, status: 'PENDING' as const },
    ]),
  )
  return {
    roundsSinceMessage: 0,
    conditions,
    ...(thread && backToThread(fold, event, thread)),
    ...(files && { filesUndone: files.undone, filesCheckpointId: files.originId, engineId: files.engineId }),
  }
}

const backToThread = (
  fold: SessionFold,
  event: LogEvent,
  { contextFromSeq, contextTokens, undone, unread }: NonNullable<EventOf<'session.rewound'>['payload']['thread']>,
): Pick<SessionFold, 'threads' | 'unread'> => {
  const { threadId } = event
  const others = [...fold.unread].filter(([, message]) => message.threadId !== threadId)
  return {
    threads: withThread(fold, event, () => ({ contextFromSeq, contextTokens, undone })),
    unread: new Map([...others, ...unread.map(({ seq, mode }) => [seq, { threadId, mode }] as const)]),
  }
}

const withThread = (
  fold: SessionFold,
  { threadId }: LogEvent,
  change: (thread: ThreadFold) => Partial<ThreadFold>,
): SessionFold['threads'] => {
  const thread = fold.threads.get(threadId) ?? NEW_THREAD
  return new Map(fold.threads).set(threadId, { ...thread, ...change(thread) })
}

const withCondition = (
  fold: SessionFold,
  id: string,
  change: (condition: ConditionFold) => Partial<ConditionFold>,
): SessionFold['conditions'] => {
  const condition = fold.conditions.get(id)
  return condition === undefined ? fold.conditions : new Map(fold.conditions).set(id, { ...condition, ...change(condition) })
}
