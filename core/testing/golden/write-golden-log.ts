/** `npm run golden`: writes this version's golden log, on a Postgres of its own, through the functions that write every log. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type pg from 'pg'
import { type EventRow, readLogRows } from '../../src/checker/check-logs.ts'
import { forkSession } from '../../src/forks/fork-session.ts'
import { appendEvents } from '../../src/log/append-events.ts'
import { createTestDatabase } from '../database.ts'
import { playSession } from '../play-session.ts'
import { silentParts } from '../seeds.ts'
import { takeCheckpoint } from '../take-checkpoint.ts'
import { startTemplateDatabase } from '../template-database.ts'
import { type GoldenReading, type GoldenRow, goldenFile, readLog } from './golden-log.ts'
import { sampleEvents } from './sample-events.ts'

const { version } = JSON.parse(await readFile(path.join(import.meta.dirname, '../../../package.json'), 'utf8')) as { version: string }
const server = await startTemplateDatabase()
const test = await createTestDatabase({ server: server.superuserUrl })
try {
  const { tenantId, sessionId, threadId, head } = await playSession(test.db)
  const { rows } = await test.superuser.query<{ id: string }>('select id from condition where session_id = $1', [sessionId])
  const events = sampleEvents({ conditionId: rows[0]?.id ?? '', firstSeq: head + 1 })
  const appended = await appendEvents(test.db, { tenantId, sessionId, threadId, epoch: null, events })
  if (appended.refused !== undefined) throw new Error(`the samples were refused: ${appended.refused}`)
  const checkpoint = await takeCheckpoint(test.db, { tenantId, sessionId })
  const fork = { title: null, prompt: 'Another way.', agentId: null, budgetNanos: null }
  const forker = { tenantId, keyId: 'key_golden' }
  const { sessionIds } = await forkSession(silentParts(test.db), forker, { checkpointId: checkpoint.id, forks: [fork] })
  const lines = await Promise.all([sessionId, ...sessionIds].map((id) => toLines(test.superuser, id)))
  await writeFile(goldenFile(version), lines.flat().join(''))
  process.stdout.write(`${goldenFile(version)}: ${lines.flat().length} lines\n`)
} finally {
  await test.close()
  await server.stop()
}

async function toLines(client: pg.Pool, sessionId: string): Promise<string[]> {
  const rows: EventRow[] = await readLogRows(client, { sessionId, after: 0, limit: 10_000 })
  const lines: (GoldenRow | GoldenReading)[] = rows.map((row) => ({ readBy: sessionId, ...row, createdAt: row.createdAt.toISOString() }))
  return [...lines, { readBy: sessionId, reading: readLog(rows) }].map((line) => `${JSON.stringify(line)}\n`)
}
