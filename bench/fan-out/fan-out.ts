import { createApiKey } from '@longhaul/core/src/tenants/create-api-key.ts'
import { createTestDatabase } from '@longhaul/core/testing/database.ts'
import type { Bench, Figure } from '../figure.ts'
import { percentile } from '../percentile.ts'
import { claimSessions } from '../platform/claimed-sessions.ts'
import { startApiProcess } from '../platform/start-api-process.ts'
import { runScenario } from './run-scenario.ts'

type Row = { subscribers: number; sessions: number; perSecond: number; seconds: number; percent: number; atMost: number }

const ROWS: Row[] = [
  { subscribers: 50, sessions: 1, perSecond: 10, seconds: 20, percent: 50, atMost: 6 },
  { subscribers: 1_000, sessions: 100, perSecond: 500, seconds: 20, percent: 99, atMost: 30 },
  { subscribers: 1_000, sessions: 1, perSecond: 10, seconds: 20, percent: 99, atMost: 50 },
]
const WARM_UP_SECONDS = 2
const SMOKE_ROWS: Row[] = [{ subscribers: 4, sessions: 2, perSecond: 20, seconds: 0.5, percent: 50, atMost: 6 }]

/** From a commit to everybody who watches, through the api's socket: few and many subscribers, of one session and of many. */
export const benchFanOut: Bench = async ({ smoke }) => {
  const test = await createTestDatabase()
  const api = await startApiProcess(test)
  try {
    const sessions = await claimSessions(test, smoke ? 2 : 100)
    const { tenantId } = sessions[0]!
    const { secret } = await createApiKey(test.db, { tenantId, name: 'bench', role: 'VIEWER', expiresAt: null }, async () => {})
    const figures: Figure[] = []
    for (const row of smoke ? SMOKE_ROWS : ROWS) {
      const warmUp = smoke ? 0 : row.perSecond * WARM_UP_SECONDS
      const scenario = { ...row, sessions: sessions.slice(0, row.sessions), count: warmUp + row.perSecond * row.seconds, warmUp }
      const { delays, inOrder } = await runScenario({ test, url: api.url, key: secret }, scenario)
      const what = `${row.subscribers} subscribers, ${row.sessions} session${row.sessions > 1 ? 's' : ''}, ${row.perSecond} events/s`
      const target = { of: 'measured' as const, atMost: row.atMost }
      figures.push(
        { what: `${what}: p${row.percent}`, measured: percentile(delays, row.percent), unit: 'ms', target },
        ...[50, 99]
          .filter((percent) => percent !== row.percent)
          .map((percent): Figure => ({ what: `${what}: p${percent}`, measured: percentile(delays, percent), unit: 'ms' })),
        { what: `${what}: once and in order`, measured: inOrder, unit: 'of all', target: { of: 'measured', atLeast: 1 } },
      )
    }
    return figures
  } finally {
    await api.stop()
    await test.close()
  }
}
