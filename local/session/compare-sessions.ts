// Sessions side by side, as a table for a terminal.
import type { ApiClient } from './api-client.ts'
import { cleanLine } from './clean-text.ts'
import { RESTING_STATUSES } from './session-update.ts'

export type ComparedSession = {
  id: string
  title: string | null
  status: string
  stopReason: string | null
  usage: { costUsd: string; turns: number; toolCalls: number }
  doneConditions: { name: string; status: string }[]
}

const FIELDS = 'id title status stopReason usage { costUsd turns toolCalls } doneConditions { name status }'
const LOOK_MS = 500

/** Resolves with all of them once none is at work; `onRest` hears of each as it comes to rest. */
export async function awaitRest(
  client: Pick<ApiClient, 'request'>,
  { ids, onRest, lookMs = LOOK_MS }: { ids: readonly string[]; onRest: (session: ComparedSession) => void; lookMs?: number },
): Promise<ComparedSession[]> {
  const rested = new Map<string, ComparedSession>()
  const query = `query Look { ${ids.map((id, index) => `s${index}: session(id: ${JSON.stringify(id)}) { ${FIELDS} }`).join(' ')} }`
  for (;;) {
    for (const session of Object.values(await client.request<Record<string, ComparedSession>>(query))) {
      if (rested.has(session.id) || !RESTING_STATUSES.includes(session.status)) continue
      rested.set(session.id, session)
      onRest(session)
    }
    if (rested.size === ids.length) return ids.flatMap((id) => rested.get(id) ?? [])
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

/** One line a session, in the order given; pure. */
export function renderComparison(sessions: readonly ComparedSession[]): string {
  const rows = [
    ['session', 'fork', 'status', 'conditions', 'turns', 'calls', 'spent'],
    ...sessions.map(({ id, title, status, stopReason, usage, doneConditions }) => [
      id,
      cleanLine(title ?? '', 40),
      stopReason === null || status === 'COMPLETED' ? status : `${status} ${stopReason}`,
      `${doneConditions.filter((condition) => condition.status === 'SATISFIED').length} of ${doneConditions.length}`,
      String(usage.turns),
      String(usage.toolCalls),
      `$${usage.costUsd}`,
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
