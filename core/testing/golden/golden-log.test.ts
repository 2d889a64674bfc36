import { describe, expect, it } from 'vitest'
import { toLogEvent } from '../../src/checker/check-logs.ts'
import { EVENT_TYPES, findUnreadable } from '../../src/events/event.ts'
import { hashEvent, isPayloadWhole } from '../../src/log/hash-event.ts'
import { listGoldenVersions, readGoldenLog, readLog } from './golden-log.ts'

const versions = await listGoldenVersions()

describe.each(versions)('a log that %s wrote', async (version) => {
  const sessions = await readGoldenLog(version)

  it('verifies: no number is missing, every payload is the one that was hashed, and the chain holds', () => {
    for (const { rows } of sessions) {
      let before = ''
      for (const [index, row] of rows.entries()) {
        const hashed = { ...row, threadId: row.writtenIn }
        expect([row.seq, isPayloadWhole(hashed), hashEvent(before, hashed)]).toEqual([index + 1, true, row.hash])
        before = row.hash
      }
    }
  })

  it('is read: every event, what the session is, and what the model is told, as it was then', () => {
    for (const { rows, reading } of sessions) {
      expect(rows.flatMap(toLogEvent)).toHaveLength(rows.length)
      expect(findUnreadable(rows.flatMap(toLogEvent))).toBeNull()
      // What a later release folds besides may be more.
      const read = readLog(rows)
      expect(read).toMatchObject(reading as typeof read)
      expect(read.contexts).toEqual((reading as typeof read).contexts)
    }
  })
})

it('the newest has a line of every type in the vocabulary; `npm run golden` writes it anew, README.md says when', async () => {
  const sessions = await readGoldenLog(versions.at(-1) ?? '')
  const written = new Set(sessions.flatMap(({ rows }) => rows.map(({ type }) => type)))
  expect(EVENT_TYPES.filter((type) => !written.has(type))).toEqual([])
})
