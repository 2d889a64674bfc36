import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'

const PATIENCE_MS = 180_000

/** Until a question to the database, which answers one row with `done`, is answered with true. */
export const waitUntil = async (test: TestDatabase, question: string, values: unknown[]): Promise<void> => {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20))
    if ((await test.superuser.query<{ done: boolean }>(question, values)).rows[0]?.done) return
  throw new Error(`this did not come true: ${question}`)
}
