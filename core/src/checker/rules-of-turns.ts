import type { RowRule } from './report.ts'

/** R3: one writer. R6: nothing is forgotten. R7: what is final stays. Told by turns, claims, leases and the status in the log. */
export const TURN_RULES: readonly RowRule[] = [
  {
    rule: 'R3',
    says: 'a turn runs that no claim holds',
    sql: `select t.id as at, t.session_id as detail from turn t left join claim c on c.thread_id = t.thread_id
      where t.state = 'running' and (c.turn_id is distinct from t.id or c.worker_id is null)`,
  },
  {
    rule: 'R3',
    says: 'a claim is held for a turn that does not run',
    sql: `select c.thread_id as at, concat_ws(' ', c.worker_id, c.turn_id) as detail from claim c
      where c.worker_id is not null and not exists (select from turn t where t.id = c.turn_id and t.thread_id = c.thread_id and t.state = 'running')`,
  },
  {
    rule: 'R3',
    says: 'a thread has more than one open turn',
    sql: `select thread_id as at, string_agg(id, ' ') as detail from turn where state <> 'settled' group by thread_id having count(*) > 1`,
  },
  {
    rule: 'R3',
    says: 'an answer of an older epoch stands after one of a newer',
    sql: `, answer as (select e.session_id, e.seq, r.epoch, lag(r.epoch) over (partition by e.session_id, e.thread_id order by e.seq) as before
        from event e join reservation r on r.id = e.payload->>'reservationId' where e.type = 'agent.message')
      select session_id as at, 'event ' || seq || ', epoch ' || epoch || ' after ' || before as detail from answer where epoch < before`,
  },
  {
    rule: 'R3',
    says: 'money was held under an older epoch after a newer one had begun',
    sql: `, held as (select id, epoch, max(epoch) over (partition by thread_id order by created_at rows between unbounded preceding and 1 preceding) as before from reservation)
      select id as at, 'epoch ' || epoch || ' after ' || before as detail from held where epoch < before`,
  },
  {
    rule: 'R3',
    says: 'money was held under an epoch that never was',
    sql: `select r.id as at, 'epoch ' || r.epoch || ', the claim is at ' || c.epoch as detail from reservation r join claim c on c.thread_id = r.thread_id where r.epoch > c.epoch`,
  },
  {
    rule: 'R6',
    says: 'a session is at work, and no turn of it is open',
    sql: `select s.id as at, s.status as detail from session s where s.deleted_at is null and s.status in ('QUEUED', 'RUNNING')
      and not exists (select from turn t where t.thread_id = s.primary_thread_id and (t.state in ('due', 'running') or (t.state = 'waiting' and t.wait_reason in ('budget', 'environment'))))`,
  },
  {
    rule: 'R6',
    says: 'a session has ended or waits for a person, and a turn of it is open',
    sql: `select s.id as at, concat_ws(' ', s.status, t.id, t.state, t.wait_reason) as detail from session s join turn t on t.session_id = s.id and t.state <> 'settled'
      where s.deleted_at is not null or s.status in ('IDLE', 'COMPLETED', 'FAILED', 'CANCELED') or (s.status = 'PAUSED' and t.state = 'running')`,
  },
  {
    rule: 'R6',
    says: 'a message waits that nobody will read',
    sql: `select s.id as at, 'event ' || u.seq || ', ' || s.status as detail from session s join unread_message u on u.session_id = s.id
      where s.deleted_at is null and s.status in ('IDLE', 'COMPLETED')`,
  },
  {
    rule: 'R6',
    says: 'a turn is due for too long',
    sql: `select t.id as at, concat_ws(' ', t.session_id, 'since', t.due_at, 'woken', t.woken_at) as detail from turn t, grace, tenant
      where tenant.id = t.tenant_id and tenant.status = 'ACTIVE' and t.state = 'due' and t.due_at < since and (t.woken_at is null or t.woken_at < since)
        and (select count(*) from turn busy where busy.tenant_id = t.tenant_id and busy.woken_at is not null and busy.state in ('due', 'running')) < tenant.max_concurrent_sessions`,
  },
  {
    rule: 'R6',
    says: 'a claim is held by a worker that is dead for too long',
    sql: `select c.thread_id as at, c.worker_id as detail from claim c cross join grace left join lease l on l.worker_id = c.worker_id
      where c.worker_id is not null and c.claimed_at < since and (l.worker_id is null or l.expires_at < since)`,
  },
  {
    rule: 'R6',
    says: 'a turn waits for money, and its time to look again has passed',
    sql: `select t.id as at, concat_ws(' ', t.session_id, t.wait_scope) as detail from turn t, grace
      where t.state = 'waiting' and t.wait_reason in ('budget', 'budget_reached') and t.due_at < since`,
  },
  {
    rule: 'R6',
    only: 'settled',
    says: 'a session has not come to an end',
    sql: `select s.id as at, concat_ws(' ', s.status, s.activity) as detail from session s where s.deleted_at is null and s.status in ('QUEUED', 'RUNNING')`,
  },
  {
    rule: 'R6',
    only: 'settled',
    says: 'money is held for a call that is over',
    sql: `select r.id as at, concat_ws(' ', r.session_id, r.worker_id) as detail from reservation r where r.state = 'held'`,
  },
  {
    rule: 'R7',
    says: 'a final status was followed by another',
    sql: `select e.session_id as at, 'event ' || f.seq || ' ' || (f.payload->>'status') || ', event ' || e.seq || ' ' || (e.payload->>'status') as detail
      from event f join event e on e.session_id = f.session_id and e.seq > f.seq and e.type = 'session.status'
      where f.type = 'session.status' and f.payload->>'status' in ('FAILED', 'CANCELED')`,
  },
]
