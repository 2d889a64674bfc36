import type { Database } from '@longhaul/prisma/src/client.ts'
import type { Logger } from '../logger.ts'
import { defineGauge } from './define-gauge.ts'
import { rememberBriefly } from './remember-briefly.ts'

/** A scrape, however often and by however many, asks the database at most this often. */
const REMEMBER_MS = 5_000
/** A database that is too busy to count is not made busier. */
const TIMEOUT_MS = 2_000

type Row = { state: string; reason: string; turns: number; late_seconds: number }
type Figures = { turns: Row[]; workers: number; money: { spent: number; reserved: number } }

/**
 * What all processes share, as the database has it: every api answers the same, so read it with max, not sum. Counted over open turns
 * and tenants' spend only, never over the log or sessions at rest. Where it can't be read the figures are absent, not zero.
 */
export const countOpenTurns = (db: Pick<Database, 'system'>, logger: Logger): void => {
  const read = rememberBriefly(() => readFigures(db), REMEMBER_MS)
  const figures = () =>
    read().catch((error: unknown) => {
      logger.warn({ err: error }, 'the open turns could not be counted')
      return null
    })

  defineGauge(
    {
      name: 'longhaul_turns_open',
      help: 'Turns that are not settled. state: due (the queue), running, waiting; reason: what a waiting one waits for.',
      labels: ['state', 'reason'],
    },
    async () => (await figures())?.turns.map(({ state, reason, turns }) => ({ labels: { state, reason }, value: turns })) ?? null,
  )
  defineGauge(
    { name: 'longhaul_turns_late_seconds', help: 'For how long the turn has been due that waits longest for a worker.' },
    async () => toSample(await figures(), ({ turns }) => Math.max(0, ...turns.map((row) => row.late_seconds))),
  )
  defineGauge({ name: 'longhaul_workers_alive', help: 'Workers whose lease has not expired.' }, async () =>
    toSample(await figures(), ({ workers }) => workers),
  )
  defineGauge(
    { name: 'longhaul_spent_today_dollars', help: 'US dollars that all tenants have spent since midnight UTC, by the ledger.' },
    async () => toSample(await figures(), ({ money }) => money.spent),
  )
  defineGauge({ name: 'longhaul_reserved_dollars', help: 'US dollars held for model calls under way, by the ledger.' }, async () =>
    toSample(await figures(), ({ money }) => money.reserved),
  )
}

const toSample = (figures: Figures | null, value: (figures: Figures) => number): { value: number }[] | null =>
  figures === null ? null : [{ value: value(figures) }]

const OPEN_TURNS = `select state, coalesce(wait_reason, '') as reason, count(*)::int as turns,
    coalesce(max(extract(epoch from clock_timestamp() - due_at)) filter (where state = 'due'), 0)::float as late_seconds
  from turn where state in ('due', 'running', 'waiting') and state <> 'settled' group by 1, 2`
const WORKERS = `select count(*)::int as workers from lease where kind = 'worker' and expires_at > clock_timestamp()`
const MONEY = `select coalesce(sum(day_spent) filter (where day = (clock_timestamp() at time zone 'UTC')::date), 0)::float / 1e9 as spent,
    coalesce(sum(total_reserved), 0)::float / 1e9 as reserved
  from spend where scope = 'TENANT'`

const readFigures = async ({ system }: Pick<Database, 'system'>): Promise<Figures> => {
  const client = await system.connect()
  try {
    await client.query(`begin read only; set local statement_timeout = ${TIMEOUT_MS}`)
    const turns = await client.query<Row>(OPEN_TURNS)
    const workers = await client.query<{ workers: number }>(WORKERS)
    const money = await client.query<Figures['money']>(MONEY)
    await client.query('commit')
    client.release()
    return { turns: turns.rows, workers: workers.rows[0]?.workers ?? 0, money: money.rows[0] ?? { spent: 0, reserved: 0 } }
  } catch (error) {
    client.release(true) // its transaction ends with it
    throw error
  }
}
