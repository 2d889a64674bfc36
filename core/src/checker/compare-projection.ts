import type pg from 'pg'
import { NEW_THREAD, type SessionFold } from '../events/fold-session.ts'

/** A session's rows as one value, in the shape of the fold: numbers as text, so that bigint and numeric compare alike. */
export type Projection = {
  session: Record<string, string | null>
  threads: Record<string, string>
  conditions: Record<string, string>
  unread: Record<string, string>
  uploads: Record<string, string>
  evaluations: string
}

export const readProjection = async (client: pg.ClientBase | pg.Pool, sessionId: string): Promise<Projection> => {
  const { rows } = await client.query<{ projection: Projection }>(
    `select jsonb_build_object(
       'session', jsonb_build_object('head', head::text, 'status', status, 'stopReason', stop_reason, 'activity', activity, 'inputTokens', input_tokens::text,
         'outputTokens', output_tokens::text, 'cacheReadTokens', cache_read_tokens::text, 'cacheWriteTokens', cache_write_tokens::text, 'turns', turns::text,
         'toolCalls', tool_calls::text, 'evaluationRounds', evaluation_rounds::text, 'roundsSinceMessage', rounds_since_message::text,
         'sandboxState', sandbox_state, 'sandboxId', sandbox_id, 'sandboxProvider', sandbox_provider, 'sandboxImage', sandbox_image, 'engineId', engine_id,
         'sandboxUsedAt', ${millis('sandbox_used_at')}, 'baselineSnapshotId', baseline_snapshot_id,
         'filesUndone', replace(files_undone::text, ' ', ''), 'filesCheckpointId', files_checkpoint_id, 'completedAt', ${millis('completed_at')}),
       'threads', (select coalesce(jsonb_object_agg(id, concat_ws(' ', context_from_seq, context_tokens, cost_nanos, replace(undone::text, ' ', ''))), '{}') from thread where session_id = s.id),
       'conditions', (select coalesce(jsonb_object_agg(id, concat_ws(' ', position, kind, status, last_evaluation_id, name)), '{}') from condition where session_id = s.id),
       'unread', (select coalesce(jsonb_object_agg(seq, concat_ws(' ', thread_id, mode)), '{}') from unread_message where session_id = s.id),
       'uploads', (select coalesce(jsonb_object_agg(seq, concat_ws(' ', path, content_hash, placed_seq)), '{}') from upload where session_id = s.id),
       'evaluations', (select count(*)::text from evaluation where session_id = s.id)) as projection
     from session s where id = $1`,
    [sessionId],
  )
  const [row] = rows
  if (row === undefined) throw new Error(`there is no session ${sessionId}`)
  return row.projection
}

/** Sentences that say where the rows differ from what the log says. None: they agree. */
export const compareProjection = (fold: SessionFold, stored: Projection): string[] => {
  const told = toProjection(fold, Object.keys(stored.threads))
  return [
    ...compare('', told.session, stored.session),
    ...compare('thread ', told.threads, stored.threads),
    ...compare('condition ', told.conditions, stored.conditions),
    ...compare('unread message ', told.unread, stored.unread),
    ...compare('upload ', told.uploads, stored.uploads),
    ...compare('', { evaluations: told.evaluations }, { evaluations: stored.evaluations }),
  ]
}

const compare = (prefix: string, told: Record<string, string | null>, stored: Record<string, string | null>): string[] =>
  [...new Set([...Object.keys(told), ...Object.keys(stored)])].flatMap((name) =>
    (told[name] ?? null) === (stored[name] ?? null) ? [] : [`${prefix}${name} is ${show(stored[name])}, its log says ${show(told[name])}`],
  )

const show = (value: string | null | undefined): string => JSON.stringify(value ?? null)

/** A thread that no event changed stands as it was made. */
const toProjection = (fold: SessionFold, threadIds: readonly string[]): Projection => {
  const { sandbox } = fold
  const threads = threadIds.map((id) => [id, fold.threads.get(id) ?? NEW_THREAD] as const)
  return {
    session: {
      head: String(fold.head),
      status: fold.status,
      stopReason: fold.stopReason,
      activity: fold.activity,
      inputTokens: String(fold.inputTokens),
      outputTokens: String(fold.outputTokens),
      cacheReadTokens: String(fold.cacheReadTokens),
      cacheWriteTokens: String(fold.cacheWriteTokens),
      turns: String(fold.turns),
      toolCalls: String(fold.toolCalls),
      evaluationRounds: String(fold.evaluationRounds),
      roundsSinceMessage: String(fold.roundsSinceMessage),
      sandboxState: sandbox?.state ?? null,
      sandboxId: sandbox?.sandboxId ?? null,
      sandboxProvider: sandbox?.provider ?? null,
      sandboxImage: sandbox?.image ?? null,
      engineId: fold.engineId,
      sandboxUsedAt: sandbox === null ? null : String(sandbox.usedAt.getTime()),
      baselineSnapshotId: fold.baselineSnapshotId,
      filesUndone: JSON.stringify(fold.filesUndone),
      filesCheckpointId: fold.filesCheckpointId,
      completedAt: fold.completedAt === null ? null : String(fold.completedAt.getTime()),
    },
    threads: Object.fromEntries(
      [...new Map([...threads, ...fold.threads])].map(([id, { contextFromSeq, contextTokens, costNanos, undone }]) => [
        id,
        `${contextFromSeq} ${contextTokens} ${costNanos} ${JSON.stringify(undone)}`,
      ]),
    ),
    conditions: Object.fromEntries(
      [...fold.conditions].map(([id, { position, kind, status, lastEvaluationId, name }]) => [
        id,
        [position, kind, status, lastEvaluationId, name].filter((part) => part !== null).join(' '),
      ]),
    ),
    unread: Object.fromEntries([...fold.unread].map(([seq, { threadId, mode }]) => [seq, `${threadId} ${mode}`])),
    uploads: Object.fromEntries(
      [...fold.uploads].map(([seq, { path, digest, placedSeq }]) => [
        seq,
        [path, digest, placedSeq].filter((part) => part !== null).join(' '),
      ]),
    ),
    evaluations: String(fold.evaluations),
  }
}

/** Milliseconds, as a Date keeps them. */
function millis(column: string): string {
  return `trunc(extract(epoch from ${column}) * 1000)::bigint::text`
}
