import type { RowRule } from './report.ts'

/** R8: what a fork inherits is what its parent had at the checkpoint, for ever; a checkpoint is whole exactly when its log says so. */
export const FORK_RULES: readonly RowRule[] = [
  {
    rule: 'R8',
    says: 'what it inherits does not reach from 1 to where its own log begins',
    sql: `, inherited as (select session_id, from_seq, to_seq, coalesce(lag(to_seq) over (partition by session_id order by from_seq), 0) as before from log_segment)
      select s.id as at, 'base ' || s.base_seq || ', segments ' || coalesce(string_agg(i.from_seq || '-' || i.to_seq, ' ' order by i.from_seq), 'none') as detail
      from session s left join inherited i on i.session_id = s.id group by s.id, s.base_seq
      having coalesce(max(i.to_seq), 0) <> s.base_seq or bool_or(i.from_seq <> i.before + 1)`,
  },
  {
    rule: 'R8',
    says: 'a fork does not begin where its checkpoint stands',
    sql: `select s.id as at, concat_ws(' ', s.forked_from_id, k.state, k.seq, 'base', s.base_seq) as detail from session s left join checkpoint k on k.id = s.forked_from_id
      where (s.base_seq > 0) <> (s.forked_from_id is not null) or (s.forked_from_id is not null and (k.state is distinct from 'whole' or k.seq <> s.base_seq))`,
  },
  {
    rule: 'R8',
    says: 'a fork inherits other events than its parent had at the checkpoint',
    sql: `select g.session_id as at, g.source_session_id || ' ' || g.from_seq || '-' || g.to_seq as detail
      from log_segment g join session s on s.id = g.session_id join checkpoint k on k.id = s.forked_from_id
      where not exists (select from log_piece p where p.session_id = k.session_id and p.source_session_id = g.source_session_id and p.source_thread_id = g.source_thread_id
        and p.from_seq = g.from_seq and least(p.to_seq, k.seq) = g.to_seq)`,
  },
  {
    rule: 'R8',
    says: 'a checkpoint is whole and its log does not say so, or the other way round',
    sql: `, said as (select session_id, payload->>'checkpointId' as id, (payload->>'seq')::int as seq from event where type = 'session.checkpointed')
      select coalesce(k.id, e.id) as at, concat_ws(' ', coalesce(k.session_id, e.session_id), k.state, k.seq, 'said', e.seq) as detail
      from (select * from checkpoint where state = 'whole') k full join said e on e.id = k.id
      where k.id is null or e.id is null or (k.session_id, k.seq) is distinct from (e.session_id, e.seq)`,
  },
  {
    rule: 'R8',
    says: 'a session was taken back to what is not a checkpoint of it, or to a thread that was another there',
    sql: `, back as (select session_id, seq, payload->>'checkpointId' as id, (payload->>'seq')::int as target, payload->'thread' as thread
        from event where type = 'session.rewound' and payload ? 'checkpointId')
      select b.session_id as at, concat_ws(' ', 'event', b.seq, b.id, b.target) as detail from back b left join checkpoint k on k.id = b.id and k.state = 'whole'
      where k.seq is distinct from b.target or b.target >= b.seq
        or not exists (select from log_piece p where p.session_id = b.session_id and p.source_session_id = k.session_id and k.seq between p.from_seq and p.to_seq)
        or (jsonb_typeof(b.thread) = 'object' and (b.thread->'contextFromSeq', b.thread->'contextTokens', b.thread->'unread')
          is distinct from (k.context->'contextFromSeq', k.context->'contextTokens', k.context->'unread'))`,
  },
  {
    rule: 'R8',
    says: "a checkpoint's snapshot is not one of its session",
    sql: `select k.id as at, concat_ws(' ', k.snapshot_id, n.session_id, n.kind) as detail from checkpoint k left join snapshot n on n.id = k.snapshot_id
      where k.snapshot_id is not null and (n.session_id, n.kind) is distinct from (k.session_id, 'checkpoint')`,
  },
  {
    rule: 'R6',
    only: 'settled',
    says: 'a checkpoint is asked for, and nobody takes it',
    sql: `select k.id as at, concat_ws(' ', k.session_id, k.state) as detail from checkpoint k join session s on s.id = k.session_id, grace
      where s.deleted_at is null and k.state = 'asked' and k.created_at < since`,
  },
]
