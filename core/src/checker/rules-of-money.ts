import type { RowRule } from './report.ts'

const PERIOD_START = `case b.period when 'DAY' then date_trunc('day', now() at time zone 'UTC') when 'MONTH' then date_trunc('month', now() at time zone 'UTC')
  else '-infinity'::timestamp end`

/** A reservation that counts under a budget: of the budget's scope, made in its current period. */
const UNDER = `(b.scope, b.scope_id) in (('TENANT', r.tenant_id), ('AGENT', r.agent_id), ('SESSION', r.session_id)) and r.created_at at time zone 'UTC' >= ${PERIOD_START}`

/** A cap changed in the same moment as a call was admitted: whose turn was first can't be told from clocks closer than this. */
const SAME_MOMENT = "interval '2 seconds'"

/** R5, as far as rows tell it: holds, charges and caps. What the provider counted stands in the model's witness. */
export const MONEY_RULES: readonly RowRule[] = [
  {
    rule: 'R5',
    says: 'a reservation and its charge disagree',
    sql: `select r.id as at, concat_ws(' ', r.state, 'charged', c.basis, c.cost_nanos) as detail from reservation r left join charge c on c.reservation_id = r.id
      where case r.state when 'held' then c.basis is not null when 'presumed' then c.basis is distinct from 'presumed' else c.basis is null or c.basis = 'presumed' end`,
  },
  {
    rule: 'R5',
    says: 'a charge stands on another session, agent, kind or model than what was held for it',
    sql: `select c.reservation_id as at, null as detail from charge c left join reservation r on r.id = c.reservation_id
      where (r.session_id, r.agent_id, r.kind, r.model) is distinct from (c.session_id, c.agent_id, c.kind, c.model)`,
  },
  {
    rule: 'R5',
    says: 'a call whose outcome is unknown does not count at its reservation',
    sql: `select r.id as at, c.cost_nanos || ' of ' || r.amount_nanos as detail from reservation r join charge c on c.reservation_id = r.id where c.basis = 'presumed' and c.cost_nanos <> r.amount_nanos`,
  },
  {
    rule: 'R5',
    says: 'a call cost more than what was held for it',
    sql: `select r.id as at, c.cost_nanos || ' of ' || r.amount_nanos as detail from reservation r join charge c on c.reservation_id = r.id where c.cost_nanos > r.amount_nanos`,
  },
  {
    rule: 'R5',
    says: 'an answer was charged twice',
    sql: `select payload->>'reservationId' as at, string_agg(session_id || ' ' || seq, ', ') as detail from event where type = 'agent.message' and payload ? 'reservationId'
      group by payload->>'reservationId' having count(*) > 1`,
  },
  {
    rule: 'R5',
    says: 'an answer and its charge disagree',
    sql: `select e.session_id as at, 'event ' || e.seq || ' cost ' || coalesce(e.cost_nanos::text, 'nothing') || ', charged ' || coalesce(c.cost_nanos::text, 'nothing') as detail
      from event e left join charge c on c.reservation_id = e.payload->>'reservationId' and c.session_id = e.session_id
      where e.type = 'agent.message' and e.payload ? 'reservationId' and (c.cost_nanos is null or (e.payload->>'basis', coalesce(e.cost_nanos, 0)) is distinct from (c.basis, c.cost_nanos))`,
  },
  {
    rule: 'R5',
    says: 'a held call has no living worker for too long',
    sql: `select r.id as at, concat_ws(' ', r.session_id, r.worker_id) as detail from reservation r cross join grace left join lease l on l.worker_id = r.worker_id
      where r.state = 'held' and r.created_at < since and (l.worker_id is null or l.expires_at < since)`,
  },
  {
    rule: 'R5',
    says: 'a cap was passed',
    sql: `, used as (select b.id, b.scope_id, b.period, b.limit_nanos, b.changed_at, sum(coalesce(c.cost_nanos, r.amount_nanos)) as nanos, max(r.created_at) as last
        from budget b join reservation r on ${UNDER} left join charge c on c.reservation_id = r.id group by b.id)
      select id as at, concat_ws(' ', scope_id, period, nanos, 'of', limit_nanos, 'nano-dollars') as detail from used
      where nanos > limit_nanos and last > changed_at + ${SAME_MOMENT}`,
  },
]
