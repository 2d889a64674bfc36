/**
 * Owns what a release's logs look like as Postgres stores them, and what that release read in them. A later one must read the same: the chain
 * verifies, the fold says what it said, the model would be told what it was told. README.md says when a file is written and when never again.
 */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type EventRow, toLogEvent } from '../../src/checker/check-logs.ts'
import { buildContext } from '../../src/events/build-context.ts'
import type { LogEvent } from '../../src/events/event.ts'
import { EMPTY_FOLD, foldSession } from '../../src/events/fold-session.ts'

const FOLDER = import.meta.dirname

/** One line: an event as one of the golden sessions reads it. A fork's log holds what it inherits. */
export type GoldenRow = Omit<EventRow, 'createdAt'> & { readBy: string; createdAt: string }
/** Another: what the release read in a session's log, after that session's events. */
export type GoldenReading = { readBy: string; reading: unknown }

export const goldenFile = (version: string): string => path.join(FOLDER, `${version}.jsonl`)

/** Oldest first. */
export const listGoldenVersions = async (): Promise<string[]> =>
  (await readdir(FOLDER))
    .flatMap((name) => (name.endsWith('.jsonl') ? [name.slice(0, -'.jsonl'.length)] : []))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))

/** By session: its rows, oldest first, and what was read in them. */
export const readGoldenLog = async (version: string): Promise<{ rows: EventRow[]; reading: unknown }[]> => {
  const lines = (await readFile(goldenFile(version), 'utf8')).split('\n').filter((line) => line !== '')
  const sessions = new Map<string, { rows: EventRow[]; reading: unknown }>()
  for (const line of lines.map((text) => JSON.parse(text) as GoldenRow | GoldenReading)) {
    const session = sessions.get(line.readBy) ?? { rows: [], reading: null }
    sessions.set(line.readBy, session)
    if ('reading' in line) session.reading = line.reading
    else session.rows.push({ ...line, createdAt: new Date(line.createdAt) })
  }
  return [...sessions.values()]
}

/** What this release reads in a log: what the session is, and what the model is told, at the end and before each fresh start of the context. */
export const readLog = (rows: readonly EventRow[]): { fold: unknown; contexts: Record<string, unknown> } => {
  const events = rows.flatMap(toLogEvent)
  const ends = events.flatMap((event, index) => (event.type === 'agent.compacted' || event.type === 'agent.reset' ? [index] : []))
  return {
    fold: toPlain(foldSession(events, EMPTY_FOLD)),
    contexts: Object.fromEntries([...ends, events.length].map((end) => [`before ${end + 1}`, contextAt(events, end)])),
  }
}

const contextAt = (events: readonly LogEvent[], end: number): unknown => toPlain(buildContext(events.slice(0, end)))

/** Maps as entries, bigint as text, dates as ISO: what JSON can hold. */
const toPlain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (item instanceof Map ? [...item] : typeof item === 'bigint' ? item.toString() : item)),
  )
