import { createTestDatabase } from '@longhaul/core/testing/database.ts'
import type pg from 'pg'
import type { Bench } from '../figure.ts'
import { median } from '../percentile.ts'
import { appendOne, type ClaimedSession, claimSessions, everydayEvent } from '../platform/claimed-sessions.ts'
import { openBarePool } from '../platform/open-bare-pool.ts'
import { compareThroughput } from '../throughput.ts'
import { openDurableStreams } from './durable-streams.ts'

/** 64 sessions appended to at once: through core, through the same SQL function with nothing around it, and to durable-streams' files. */
export const benchAppendThroughput: Bench = async ({ smoke }) => {
  const clients = smoke ? 4 : 64
  const test = await createTestDatabase({ maxConnections: 16 })
  const pool = openBarePool(test.url)
  const streams = await openDurableStreams(clients)
  try {
    const sessions = await claimSessions(test, clients)
    const runs = await compareThroughput(
      {
        core: (client) => appendOne(test, sessions[client]!),
        sql: (client) => callFunction(pool, sessions[client]!),
        streams: (client) => streams.append(client),
      },
      smoke ? { clients, rounds: 1, durationMs: 100 } : { clients, rounds: 5, durationMs: 2_000 },
    )
    return [
      {
        what: `append through core, ${clients} sessions at once`,
        measured: median(runs.core),
        unit: '/s',
        yardstick: { what: 'the same SQL function through pg', value: median(runs.sql) },
        target: { of: 'ratio', atLeast: 0.7 },
      },
      {
        what: `append through core, ${clients} sessions at once`,
        measured: median(runs.core),
        unit: '/s',
        yardstick: { what: 'durable-streams with files, over HTTP', value: median(runs.streams) },
        target: { of: 'ratio', atLeast: 2 },
      },
    ]
  } finally {
    await streams.stop()
    await pool.end()
    await test.close()
  }
}

const callFunction = async (pool: pg.Pool, session: ClaimedSession): Promise<void> => {
  const { rows } = await pool.query<{ result: { refused?: string } }>({
    name: 'append_events',
    text: 'select append_events($1, $2, $3, $4, $5::jsonb, null, null, null) as result',
    values: [session.tenantId, session.sessionId, session.threadId, session.epoch, bareEvents],
  })
  if (rows[0]?.result.refused !== undefined) throw new Error(`an append was refused: ${rows[0].result.refused}`)
}

const bareEvents = JSON.stringify([{ ...everydayEvent, payload: { ...everydayEvent.payload, v: 1 } }])
