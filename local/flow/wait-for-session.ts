import type { Platform } from './start-platform.ts'

const LOOK_MS = 50
const PATIENCE_MS = 60_000

/** Resolves when the session, as the api shows it, has one of these statuses and a log longer than `after`. */
export const waitForSession = async (
  { get }: Platform,
  { key, id, status, after = 0 }: { key: string; id: string; status: readonly string[]; after?: number },
): Promise<void> => {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const { session } = await get<{ session: { status: string; stopReason: string | null; activity: string | null; head: number } }>(
      key,
      'query ($id: ID!) { session(id: $id) { status stopReason activity head } }',
      { id },
    )
    if (status.includes(session.status) && session.head > after) return
    if (Date.now() > until) throw new Error(`session ${id} is ${JSON.stringify(session)}, not ${status.join(' or ')}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
