import type { TestDatabase } from '@longhaul/core/testing/database.ts'

export type SessionRow = {
  id: string
  status: string
  stop_reason: string | null
  activity: string | null
  turns: number
  tool_calls: number
  head: number
  evaluation_rounds: number
  [column: string]: unknown
}

export type EventRow = {
  seq: number
  type: string
  actor: string
  payload: Record<string, unknown>
  cost_nanos: string | null
  created_at: Date
}

const LOOK_MS = 20

/** Resolves when the session's row fits; says how far it came when it does not in time. */
export const waitForSession = async (
  { superuser }: TestDatabase,
  sessionId: string,
  fits: (row: SessionRow) => boolean,
  timeoutMs = 20_000,
): Promise<SessionRow> => {
  const until = Date.now() + timeoutMs
  for (;;) {
    const { rows } = await superuser.query<SessionRow>('select * from session where id = $1', [sessionId])
    const [row] = rows
    if (row !== undefined && fits(row)) return row
    if (Date.now() > until) {
      const log = (await readSessionEvents({ superuser } as TestDatabase, sessionId))
        .slice(-12)
        .map(({ seq, type, payload }) => `${seq} ${type} ${JSON.stringify(payload).slice(0, 200)}`)
      const turns = (
        await superuser.query(
          'select id, kind, state, wait_reason, due_at, wake_no, woken_at, attempt, suspect, crashes from turn where session_id = $1 order by id desc limit 2',
          [sessionId],
        )
      ).rows
      throw new Error(
        `session ${sessionId} is ${row?.status} ${row?.stop_reason} (${row?.activity})\n${log.join('\n')}\n${JSON.stringify(turns)}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

export const waitForStatus = (
  test: TestDatabase,
  sessionId: string,
  statuses: readonly string[],
  timeoutMs?: number,
): Promise<SessionRow> => waitForSession(test, sessionId, ({ status }) => statuses.includes(status), timeoutMs)

export const readSessionEvents = async ({ superuser }: TestDatabase, sessionId: string): Promise<EventRow[]> =>
  (
    await superuser.query<EventRow>(
      'select seq, type, actor, payload, cost_nanos, created_at from event where session_id = $1 order by seq',
      [sessionId],
    )
  ).rows
