import { badInput } from '@longhaul/core/src/errors.ts'
import { Prisma } from '@longhaul/prisma/generated/client.ts'
import type { TenantReads } from '../../context.ts'
import type { UsageBucket, UsageGroup } from '../../generated/resolver-types.ts'

const MAX_BUCKETS = 1_000

type Row = { key: string; cost: bigint; input: bigint; output: bigint; cache_read: bigint; cache_write: bigint; sandbox_ms: bigint }
type Wanted = { groupBy: UsageGroup; from?: Date; to?: Date; sessionId?: string }

/** The ledger, summed. A charge belongs to the time of its reservation. Sandbox time is kept with the session, by its start. */
export const readUsage = async ({ tenantId, read }: TenantReads, { groupBy, from, to, sessionId }: Wanted): Promise<UsageBucket[]> => {
  if (from && to && from >= to) throw badInput('to', 'later than from')
  const inside = Prisma.sql`tenant_id = ${tenantId} ${sessionId ? Prisma.sql`and session_id = ${sessionId}` : Prisma.empty}
    ${from ? Prisma.sql`and at >= ${from}` : Prisma.empty} ${to ? Prisma.sql`and at < ${to}` : Prisma.empty}`
  const rows = await read(
    (prisma) => prisma.$queryRaw<Row[]>`
      with entry as (
        select tenant_id, session_id, agent_id, model, kind, reserved_at as at, cost_nanos, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, 0::bigint as sandbox_ms
          from charge where tenant_id = ${tenantId}
        union all
        select tenant_id, id, agent_id, 'sandbox', 'sandbox', created_at, 0, 0, 0, 0, 0, sandbox_ms
          from session where tenant_id = ${tenantId} and sandbox_ms > 0
      )
      select ${KEYS[groupBy]} as key, sum(cost_nanos)::bigint as cost, sum(input_tokens)::bigint as input, sum(output_tokens)::bigint as output,
        sum(cache_read_tokens)::bigint as cache_read, sum(cache_write_tokens)::bigint as cache_write, sum(sandbox_ms)::bigint as sandbox_ms
      from entry where ${inside} group by 1 order by min(at) limit ${MAX_BUCKETS}`,
  )
  return rows.map((row) => ({
    key: row.key,
    costUsd: row.cost,
    inputTokens: Number(row.input),
    outputTokens: Number(row.output),
    cacheReadTokens: Number(row.cache_read),
    cacheWriteTokens: Number(row.cache_write),
    sandboxSeconds: Number(row.sandbox_ms) / 1_000,
  }))
}

/** Hours and days are UTC, as everything that is named by the clock. */
const KEYS: Record<UsageGroup, Prisma.Sql> = {
  HOUR: Prisma.sql`to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:00:00"Z"')`,
  DAY: Prisma.sql`to_char(at at time zone 'UTC', 'YYYY-MM-DD')`,
  AGENT: Prisma.sql`agent_id`,
  SESSION: Prisma.sql`session_id`,
  MODEL: Prisma.sql`model`,
  KIND: Prisma.sql`kind`,
}
