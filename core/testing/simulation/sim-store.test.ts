import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../database.ts'
import { arbitraryCommand, runCommand } from './twin-commands.ts'
import { createTwinPair } from './twin-pair.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

describe('the simulated store', () => {
  it('answers and ends as the real one, whatever people, workers and time do', async () => {
    const caps = fc.constantFrom(300n, 1_000_000n)
    let compared = 0
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryCommand, { minLength: 5, maxLength: 60 }), caps, async (commands, limitNanos) => {
        const pair = await createTwinPair(test, limitNanos)
        for (const command of commands) {
          await runCommand(pair, command)
          await pair.compareState()
          compared++
        }
      }),
      { numRuns: Number(process.env.TWIN_RUNS ?? 60) },
    )
    expect(compared).toBeGreaterThan(200)
  }, 300_000)
})
