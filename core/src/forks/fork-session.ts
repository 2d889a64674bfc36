/**
 * Owns how sessions begin from a checkpoint of another. A fork inherits log, context and files by reference: nothing is copied, and the
 * parent is neither locked nor changed. Must never let a fork shed a cap or a condition that holds for its parent.
 */
import type pg from 'pg'
import { notFound, PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { appendEvents, retrySerialization, type Wake } from '../log/append-events.ts'
import { type Caller, type CoreParts, inTransaction, refuseBacklog, tell } from '../sessions/change-session.ts'
import { refuseLongText } from '../sessions/send-message.ts'
import { type ForkedFrom, firstEventsOfFork } from './first-events-of-fork.ts'
import { type ForkAgent, readForkAgent, refuseUnpricedFork } from './fork-agent.ts'
import type { ForkSource } from './fork-source.ts'

/** Null: as the parent has it. Without a prompt the fork goes on where the parent stood. */
export type Fork = { title: string | null; prompt: string | null; agentId: string | null; budgetNanos: bigint | null }

type Made = { sessionId: string; head: number; wakes: Wake[] }

/** All forks or none, in one transaction. `before` runs in it first: the idempotency key is kept there. Throws NOT_FOUND for no such whole checkpoint. */
export const forkSession = async (
  parts: CoreParts,
  caller: Caller,
  { checkpointId, forks }: { checkpointId: string; forks: readonly Fork[] },
  before?: (client: pg.ClientBase, sessionIds: string[]) => Promise<void>,
): Promise<{ sessionIds: string[] }> => {
  const { tenantId } = caller
  for (const [index, { prompt }] of forks.entries()) if (prompt !== null) refuseLongText(prompt, `input.forks.${index}.prompt`)
  const asked = forks.map((fork) => ({ ...fork, sessionId: createId('ses'), threadId: createId('thr') }))
  const sessionIds = asked.map(({ sessionId }) => sessionId)
  const made = await retrySerialization(() =>
    inTransaction(parts.db, async (client) => {
      await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
      await before?.(client, sessionIds)
      const source = await readSource(client, tenantId, checkpointId)
      await refuseCrowd(client, tenantId, forks.length)
      const results: Made[] = []
      for (const [index, fork] of asked.entries()) {
        const agent = fork.agentId === null ? null : await readForkAgent(client, { tenantId, agentId: fork.agentId, index })
        await refuseUnpricedFork(client, { tenantId, source, agent, hasBudget: fork.budgetNanos !== null, index })
        results.push(await makeFork(client, caller, { checkpointId, source, fork, agent }))
      }
      return results
    }),
  )
  for (const { sessionId, head, wakes } of made) tell(parts, { tenantId, sessionId, head, wakes, control: false })
  return { sessionIds }
}

const readSource = async (client: pg.ClientBase, tenantId: string, checkpointId: string): Promise<ForkSource> => {
  const { rows } = await client.query<{ source: ForkSource | null }>('select read_fork_source($1, $2) as source', [tenantId, checkpointId])
  const source = rows[0]?.source ?? null
  if (source === null) throw notFound('checkpoint', checkpointId)
  if (source.problem !== null)
    throw new PlatformError('CONFLICT', `The files of checkpoint ${checkpointId} can't be used any more: ${source.problem}.`, {
      status: 'FAILED',
    })
  if (source.hasImage && source.engineId === null && !source.hasArchive)
    throw new PlatformError('UNAVAILABLE', `The files of checkpoint ${checkpointId} lie on an engine whose workers do not answer.`)
  return source
}

/** Every fork is a turn that is due: they are admitted together or not at all. */
const refuseCrowd = async (client: pg.ClientBase, tenantId: string, count: number): Promise<void> => {
  const { rows } = await client.query<{ backlog: number; status: 'ACTIVE' | 'SUSPENDED'; limit: number }>(
    "select (select count(*) from turn where tenant_id = $1 and state = 'due' and woken_at is null)::int as backlog, status, backlog_limit as limit from tenant where id = $1",
    [tenantId],
  )
  const [row] = rows
  if (row === undefined) throw notFound('tenant', tenantId)
  refuseBacklog({ backlog: row.backlog + count - 1, tenant: { status: row.status, backlogLimit: row.limit } })
}

const makeFork = async (
  client: pg.ClientBase,
  caller: Caller,
  {
    checkpointId,
    source,
    fork,
    agent,
  }: { checkpointId: string; source: ForkSource; fork: Fork & { sessionId: string; threadId: string }; agent: ForkAgent | null },
): Promise<Made> => {
  const { tenantId } = caller
  const { sessionId, threadId, title, prompt } = fork
  const row = {
    sessionId,
    threadId,
    title,
    prompt,
    agentId: agent?.agentId ?? null,
    agentVersionId: agent?.agentVersionId ?? null,
    budgets: toBudgets(source, fork),
  }
  const { rows } = await client.query<{ forked: ForkedFrom | null }>('select fork_session($1, $2, $3::jsonb) as forked', [
    tenantId,
    checkpointId,
    JSON.stringify(row),
  ])
  const forked = rows[0]?.forked ?? null
  if (forked === null) throw notFound('checkpoint', checkpointId)
  const appended = await appendEvents(
    { client },
    {
      tenantId,
      sessionId,
      threadId,
      epoch: null,
      events: firstEventsOfFork(forked, { checkpointId, engineId: source.engineId, actor: caller.keyId, prompt }),
      turn: { op: 'ensure', next: { id: createId('trn'), kind: 'work' } },
    },
  )
  if (appended.refused !== undefined) throw new Error(`a fork that was just made is ${appended.refused}`)
  return { sessionId, head: appended.head, wakes: appended.wakes }
}

/** The parent's own caps hold for the fork too, each with its own spend; a budget that is asked for takes the place of the lifetime cap. */
const toBudgets = ({ budgets }: ForkSource, { budgetNanos }: Fork): (ForkSource['budgets'][number] & { id: string })[] => {
  const inherited = budgets.filter(({ period, setBy }) => budgetNanos === null || period !== 'LIFETIME' || setBy !== 'TENANT')
  const own = { period: 'LIFETIME', setBy: 'TENANT', limitNanos: String(budgetNanos), alertPercents: [80, 100] }
  return [...inherited, ...(budgetNanos === null ? [] : [own])].map((budget) => ({ id: createId('bgt'), ...budget }))
}
