import { openDatabase } from '@longhaul/prisma/src/client.ts'
import { expect, test } from 'vitest'
import { createLogger } from '../logger.ts'
import { countOpenTurns } from './count-open-turns.ts'
import { registry, turnErrors } from './instruments.ts'

test('while the database is away its figures are absent, and the others are there', async () => {
  const db = openDatabase({ url: 'postgres://nobody@127.0.0.1:9/nothing' })
  countOpenTurns(db, createLogger({ name: 'metrics', level: 'silent' }))
  turnErrors.inc()
  const text = await registry.metrics()
  expect(text).toMatch(/^longhaul_turn_errors_total 1$/m)
  expect(text).not.toMatch(/^longhaul_(turns_open|turns_late_seconds|workers_alive|spent_today_dollars|reserved_dollars)[{ ]/m)
  await db.close()
})
