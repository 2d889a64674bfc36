import type pg from 'pg'
import { notFound, PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { appendEvents, type Wake } from '../log/append-events.ts'
import { type CoreParts, inTransaction, lockSession, tell } from '../sessions/change-session.ts'

export type BudgetScope = 'TENANT' | 'AGENT' | 'SESSION'
export type BudgetPeriod = 'DAY' | 'MONTH' | 'LIFETIME'

export type SetBudget = {
  tenantId: string
  keyId: string
  setBy: 'OPERATOR' | 'TENANT'
  scope: BudgetScope
  scopeId: string
  period: BudgetPeriod
  limitNanos: bigint
  /** null leaves them as they are, or takes the default. */
  alertPercents: number[] | null
}

const DEFAULT_ALERTS = [80, 100]

/** Sets or changes the caller's cap of a scope and period. Sessions that stopped at it go on by themselves where they now fit. */
export const setBudget = async (parts: CoreParts, input: SetBudget): Promise<{ budgetId: string }> => {
  const { budgetId, raised } = await inTransaction(parts.db, async (client) => {
    await client.query("select set_config('longhaul.tenant', $1, true)", [input.tenantId])
    await refuseForeignScope(client, input)
    await client.query('select lock_scope($1, $2, $3)', [input.tenantId, input.scope, input.scopeId])
    const { rows } = await client.query<{ id: string }>(
      `insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos, alert_percents) values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (scope, scope_id, period, set_by) do update set limit_nanos = excluded.limit_nanos, changed_at = clock_timestamp(), alerted_percent = 0, alerted_period = null,
         alert_percents = coalesce($9, budget.alert_percents)
       returning id`,
      [
        createId('bgt'),
        input.tenantId,
        input.scope,
        input.scopeId,
        input.period,
        input.setBy,
        input.limitNanos.toString(),
        input.alertPercents ?? DEFAULT_ALERTS,
        input.alertPercents,
      ],
    )
    const [row] = rows
    if (row === undefined) throw new Error('a budget that was just set is not there')
    return { budgetId: row.id, raised: await readStopped(client, input) }
  })
  const payload = { budgetId, scope: input.scope, scopeId: input.scopeId, period: input.period, limitNanos: input.limitNanos.toString() }
  await resumeStopped(parts, input, { sessionIds: raised, raised: payload })
  return { budgetId }
}

/** Whoever changed a cap has this long to tell those that stopped at it; then the sweep tries them again. */
const TELL_MS = 5_000

/**
 * Sessions that a change of budgets under this scope may set free. In the change's own transaction, so that none stays behind should its
 * process die before it has told them. What somebody else has locked goes on by itself, and is not waited for: the cap is locked here.
 */
export const readStopped = async (
  client: pg.ClientBase,
  { tenantId, scope, scopeId }: Pick<SetBudget, 'tenantId' | 'scope' | 'scopeId'>,
): Promise<string[]> => {
  const { rows } = await client.query<{ session_id: string }>(
    `update turn set due_at = least(due_at, clock_timestamp() + $3 * interval '1 millisecond') where id in (
       select id from turn where tenant_id = $1 and state = 'waiting' and wait_reason in ('budget', 'budget_reached') and wait_scope = $2
       order by created_at for no key update skip locked) returning session_id`,
    [tenantId, `${scope}:${scopeId}`, TELL_MS],
  )
  return rows.map((row) => row.session_id)
}

type Raised = { budgetId: string; scope: BudgetScope; scopeId: string; period: BudgetPeriod; limitNanos: string }

/**
 * Makes each due again, one transaction a session; one that still does not fit stops again, holding nothing. One that was deleted meanwhile
 * waits for nothing any more.
 */
export const resumeStopped = async (
  parts: CoreParts,
  { tenantId, keyId }: { tenantId: string; keyId: string },
  { sessionIds, raised }: { sessionIds: string[]; raised: Raised | null },
): Promise<void> => {
  for (const sessionId of sessionIds) {
    const result = await inTransaction(parts.db, async (client): Promise<{ head: number; wakes: Wake[] } | null> => {
      const session = await lockSession(client, { tenantId, sessionId }).catch(ifMissing)
      if (session === null) return null
      const waits = session.turn?.waitReason === 'budget' || session.turn?.waitReason === 'budget_reached'
      if (!waits || (session.status !== 'PAUSED' && session.status !== 'QUEUED')) return null
      const append = await appendEvents(
        { client },
        {
          tenantId,
          sessionId,
          threadId: session.primaryThreadId,
          epoch: null,
          events: [
            ...(raised === null ? [] : [{ type: 'budget.raised' as const, actor: keyId, payload: raised }]),
            ...(session.status === 'PAUSED'
              ? [
                  {
                    type: 'session.status' as const,
                    actor: 'platform',
                    payload: { status: 'QUEUED' as const, stopReason: null, activity: null },
                  },
                ]
              : []),
          ],
          turn: { op: 'ensure', next: { id: createId('trn'), kind: 'work' } },
        },
      )
      return append.refused === undefined ? append : null
    })
    if (result !== null) tell(parts, { tenantId, sessionId, head: result.head, wakes: result.wakes, control: false })
  }
}

const ifMissing = (error: unknown): null => {
  if (error instanceof PlatformError && error.code === 'NOT_FOUND') return null
  throw error
}

const refuseForeignScope = async (client: pg.ClientBase, { tenantId, scope, scopeId }: SetBudget): Promise<void> => {
  const table = { TENANT: 'tenant', AGENT: 'agent', SESSION: 'session' }[scope]
  const { rows } = await client.query(
    `select 1 from ${table} where id = $1${scope === 'TENANT' ? ' and id = $2' : ' and tenant_id = $2'}`,
    [scopeId, tenantId],
  )
  if (rows.length === 0) throw notFound(scope.toLowerCase(), scopeId)
}

/** Whole nano-dollars that Postgres can hold and that no sum of caps overflows: nine million dollars and a bit. */
export const MAX_LIMIT_NANOS = 9_000_000_000_000_000n

export const refuseBadLimit = (limitNanos: bigint, field: string): void => {
  if (limitNanos >= 0n && limitNanos <= MAX_LIMIT_NANOS) return
  throw new PlatformError('BAD_USER_INPUT', `${field} is out of range.`, { field, reason: 'an amount from 0 to 9000000 US dollars' })
}
