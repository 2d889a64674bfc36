import { costNanos, isPricedModel, type TokenUsage } from '../budgets/prices.ts'
import type { Scope } from './report.ts'

type SpendRow = { at: string; kept: string; summed: string }
type AnswerRow = { sessionId: string; seq: number; model: string; usage: TokenUsage; reservedAt: Date; costNanos: string }

/** R5: spend rows are the sums of what was charged and is held, and exact charges are what the usage costs. */
export const checkMoney = async (scope: Scope): Promise<void> => {
  await checkSpend(scope)
  await checkPrices(scope)
}

/** A row that was last written on an earlier day says what that day was: it rolls over when it is written next. */
const checkSpend = async ({ client, violations }: Scope): Promise<void> => {
  const { rows } = await client.query<SpendRow>(`
    with entry as (
      select r.tenant_id, r.agent_id, r.session_id, (r.created_at at time zone 'UTC')::date as day, date_trunc('month', r.created_at at time zone 'UTC')::date as month,
        case r.state when 'held' then r.amount_nanos else 0 end as held, coalesce(c.cost_nanos, 0) as cost
      from reservation r left join charge c on c.reservation_id = r.id
    ), part as (
      select 'TENANT' as scope, tenant_id as scope_id, day, month, held, cost from entry
      union all select 'AGENT', agent_id, day, month, held, cost from entry
      union all select 'SESSION', session_id, day, month, held, cost from entry
    ), spent as (select distinct scope, scope_id from part union select scope, scope_id from spend)
    select scope || ':' || scope_id as at,
      (select concat_ws(' ', total_spent, total_reserved, month_spent, month_reserved, day_spent, day_reserved) from spend s where (s.scope, s.scope_id) = (x.scope, x.scope_id)) as kept,
      (select concat_ws(' ', coalesce(sum(cost), 0), coalesce(sum(held), 0), coalesce(sum(cost) filter (where p.month = s.month), 0), coalesce(sum(held) filter (where p.month = s.month), 0),
          coalesce(sum(cost) filter (where p.day = s.day), 0), coalesce(sum(held) filter (where p.day = s.day), 0))
        from spend s left join part p on (p.scope, p.scope_id) = (s.scope, s.scope_id) where (s.scope, s.scope_id) = (x.scope, x.scope_id)) as summed
    from spent x`)
  for (const { at, kept, summed } of rows) {
    if (kept !== summed)
      violations.push({ rule: 'R5', at, what: `spent and held (ever, month, day) is kept as ${kept}, its calls sum to ${summed}` })
  }
}

const checkPrices = async ({ client, violations }: Scope): Promise<void> => {
  const { rows } = await client.query<AnswerRow>(
    `select e.session_id as "sessionId", e.seq, r.model, e.payload->'usage' as usage, r.created_at as "reservedAt", coalesce(e.cost_nanos, 0)::text as "costNanos"
     from event e join reservation r on r.id = e.payload->>'reservationId' where e.type = 'agent.message' and e.payload->>'basis' = 'exact'`,
  )
  for (const { sessionId, seq, model, usage, reservedAt, costNanos: charged } of rows) {
    const cost = isPricedModel(model) ? costNanos(model, usage, reservedAt) : 0n
    if (cost !== BigInt(charged))
      violations.push({ rule: 'R5', at: sessionId, what: `event ${seq} was charged ${charged} nano-dollars, its usage costs ${cost}` })
  }
}
