import { randomUUID } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import type { Bench } from '../figure.ts'
import { interleave } from '../interleave.ts'
import { median, percentile } from '../percentile.ts'
import { appendOne, claimSessions, everydayEvent } from '../platform/claimed-sessions.ts'
import { openBarePool } from '../platform/open-bare-pool.ts'

/** One client, one session: an append through core beside the least that a fenced append can be, one statement with no more than that. */
export const benchAppendLatency: Bench = async ({ smoke }) => {
  const test = await createTestDatabase()
  const bare = await openBareLog(test)
  try {
    const [session] = await claimSessions(test, 1)
    const samples = await interleave(
      { core: () => appendOne(test, session!), bare: bare.insert },
      smoke ? { rounds: 2, perRound: 2, warmUp: 1 } : { rounds: 60, perRound: 50, warmUp: 200 },
    )
    const beside = (what: string, percent: number) => ({ what: `bare fenced insert, ${what}`, value: percentile(samples.bare, percent) })
    return [
      {
        what: 'append through core, one client, p50',
        measured: median(samples.core),
        unit: 'ms',
        yardstick: beside('p50', 50),
        target: { of: 'ratio', atMost: 1.5 },
      },
      { what: 'append through core, one client, p95', measured: percentile(samples.core, 95), unit: 'ms', yardstick: beside('p95', 95) },
    ]
  } finally {
    await bare.close()
    await test.close()
  }
}

/** Two tables without row security, projection or hashes, and the one statement that checks an epoch and inserts. */
const openBareLog = async (test: TestDatabase): Promise<{ insert: () => Promise<void>; close(): Promise<void> }> => {
  await test.superuser.query(`
    create table bare_claim (thread_id text primary key, epoch int not null);
    create table bare_event (session_id text, seq int, thread_id text not null, type text not null, actor text not null, payload jsonb not null,
      created_at timestamptz not null default clock_timestamp(), primary key (session_id, seq));
    grant select, update on bare_claim to longhaul_app; grant insert on bare_event to longhaul_app;`)
  const [sessionId, threadId] = [randomUUID(), randomUUID()]
  await test.superuser.query('insert into bare_claim values ($1, 1)', [threadId])
  // A pool, as core has: what is compared is the append, not the way to a connection.
  const pool = openBarePool(test.url)
  const { type, actor, payload } = everydayEvent
  let seq = 0
  return {
    insert: async () => {
      const { rowCount } = await pool.query({
        name: 'bare_insert',
        text: `insert into bare_event (session_id, seq, thread_id, type, actor, payload)
          select $1, $2, thread_id, $5, $6, $7::jsonb from bare_claim where thread_id = $3 and epoch = $4 for share`,
        values: [sessionId, ++seq, threadId, 1, type, actor, JSON.stringify({ ...payload, v: 1 })],
      })
      if (rowCount !== 1) throw new Error('a bare insert was fenced off')
    },
    close: () => pool.end(),
  }
}
