import type { RowRule } from './report.ts'

const CALLS = `call as (select session_id, seq, payload->>'turnId' as turn_id, payload->>'callId' as call_id from event where type = 'agent.tool_call'),
  result as (select session_id, seq, payload->>'turnId' as turn_id, payload->>'callId' as call_id, payload->>'outcome' as outcome, (payload->>'callSeq')::int as call_seq
    from event where type = 'agent.tool_result' and payload ? 'callId'),
  asked as (select e.session_id, e.seq, e.payload->>'turnId' as turn_id, block->>'id' as call_id,
      exists (select from jsonb_array_elements(e.payload->'brokenCalls') b where b->>'id' = block->>'id') as broken
    from event e, jsonb_array_elements(e.payload->'content') block where e.type = 'agent.message' and block->>'type' = 'tool_use')`

/** What somebody went back behind stands in the log, and counts for nothing that comes later: of two events, whether the later knows the earlier. */
const UNDONE = `undone as (select session_id, seq as since, lead(seq, 1, 2147483647) over (partition by session_id order by seq) as until, payload->'thread'->'undone' as stretches
    from event where type = 'session.rewound' and jsonb_typeof(payload->'thread') = 'object')`
const knows = (later: string, earlier: string): string =>
  `not exists (select from undone u where u.session_id = ${later}.session_id and ${later}.seq between u.since and u.until and is_undone(u.stretches, ${earlier}.seq))`

/** R4: a call stands in the log before it runs, has at most one result, and none is forgotten. Told by the log alone. */
export const CALL_RULES: readonly RowRule[] = [
  {
    rule: 'R4',
    says: 'a tool call has more than one result',
    sql: `, ${CALLS}, ${UNDONE} select b.session_id as at, b.call_id || ', events ' || a.seq || ' ' || b.seq as detail
      from result a join result b on b.session_id = a.session_id and b.turn_id = a.turn_id and b.call_id = a.call_id and b.seq > a.seq where ${knows('b', 'a')}`,
  },
  {
    rule: 'R4',
    says: 'a tool call was logged twice',
    sql: `, ${CALLS} select session_id as at, call_id || ', events ' || string_agg(seq::text, ' ' order by seq) as detail from call group by session_id, turn_id, call_id having count(*) > 1`,
  },
  {
    rule: 'R4',
    says: 'a result belongs to no call that was logged before it',
    sql: `, ${CALLS} select r.session_id as at, 'event ' || r.seq || ', ' || r.call_id as detail from result r
      left join call c on c.session_id = r.session_id and c.seq = r.call_seq and c.call_id = r.call_id and c.turn_id = r.turn_id and c.seq < r.seq
      where c.seq is null and (r.call_seq is not null or r.outcome in ('done', 'outcome_unknown'))`,
  },
  {
    rule: 'R4',
    says: 'a call was said not to have run after it was logged',
    sql: `, ${CALLS}, ${UNDONE} select r.session_id as at, 'event ' || r.seq || ', ' || r.call_id as detail from result r join call c on c.session_id = r.session_id and c.call_id = r.call_id and c.turn_id = r.turn_id
      where r.outcome = 'not_run' and ${knows('r', 'c')}`,
  },
  {
    rule: 'R4',
    says: 'a call was logged that the model never asked for, or whose input was broken',
    sql: `, ${CALLS} select c.session_id as at, 'event ' || c.seq || ', ' || c.call_id as detail from call c
      left join asked a on a.session_id = c.session_id and a.turn_id = c.turn_id and a.call_id = c.call_id and a.seq < c.seq where a.seq is null or a.broken`,
  },
  {
    rule: 'R4',
    says: 'a call has no result, and its turn is over',
    sql: `, ${CALLS} select a.session_id as at, 'event ' || a.seq || ', ' || a.call_id as detail from asked a join turn t on t.id = a.turn_id
      where t.state = 'settled' and t.outcome not in ('canceled', 'deleted') and not exists (select from result r where r.session_id = a.session_id and r.turn_id = a.turn_id and r.call_id = a.call_id)`,
  },
  {
    rule: 'R4',
    says: 'a turn has more than one answer',
    sql: `select session_id as at, payload->>'turnId' as detail from event where type = 'agent.message' and payload ? 'turnId' group by session_id, payload->>'turnId' having count(*) > 1`,
  },
  {
    rule: 'R4',
    says: 'a message was read twice, or before it was sent',
    sql: `, ${UNDONE}, read as (select e.session_id, e.seq, m.seq::int as message from event e, jsonb_array_elements_text(e.payload->'seqs') m(seq) where e.type = 'user.message_read')
      select r.session_id as at, 'event ' || r.message as detail from read r left join log_piece p on p.session_id = r.session_id and r.message between p.from_seq and p.to_seq
        left join event m on m.session_id = p.source_session_id and m.seq = r.message and m.type = 'user.message' and m.seq < r.seq
      where m.seq is null or exists (select from read q where q.session_id = r.session_id and q.message = r.message and q.seq < r.seq and ${knows('r', 'q')})`,
  },
  {
    rule: 'R4',
    says: 'a condition has more than one verdict in a round',
    sql: `select session_id as at, 'round ' || round || ', ' || condition_id as detail from evaluation where verdict <> 'ERROR' group by session_id, round, condition_id having count(*) > 1`,
  },
]
