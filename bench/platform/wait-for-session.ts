import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'

/** Until all these sessions have this status. Throws after `timeoutMs`, saying how many have. */
export const waitForStatus = async (test: TestDatabase, sessionIds: string[], status: string, timeoutMs = 60_000): Promise<void> => {
  const until = Date.now() + timeoutMs
  for (;;) {
    const { rows } = await test.superuser.query<{ count: string }>('select count(*) from session where id = any($1) and status = $2', [
      sessionIds,
      status,
    ])
    const count = Number(rows[0]?.count)
    if (count === sessionIds.length) return
    if (Date.now() > until) throw new Error(`${count} of ${sessionIds.length} sessions are ${status} after ${timeoutMs} ms`)
    await sleep(10)
  }
}
