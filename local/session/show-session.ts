// Shows a session's timeline on a terminal until it rests, and says how it ended.
import type { ApiClient } from './api-client.ts'
import { followSession } from './follow-session.ts'
import { createTimeline } from './timeline.ts'

export type Ending = { status: string; stopReason: string | null; costUsd: string }

const SUMMARY = `query Summary($id: ID!) {
  session(id: $id) { status stopReason usage { costUsd turns toolCalls } budgets { scope limitUsd } }
}`

type Summary = {
  session: {
    status: string
    stopReason: string | null
    usage: { costUsd: string; turns: number; toolCalls: number }
    budgets: { scope: string; limitUsd: string }[]
  }
}

export async function showSession(
  client: ApiClient,
  { sessionId, output }: { sessionId: string; output: NodeJS.WriteStream },
): Promise<Ending> {
  const before = await client.request<Summary>(SUMMARY, { id: sessionId })
  const budgetUsd = before.session.budgets.find(({ scope }) => scope === 'SESSION')?.limitUsd
  const timeline = createTimeline({ color: output.isTTY === true && !process.env.NO_COLOR, budgetUsd })
  for await (const update of followSession(client, { sessionId })) output.write(timeline.write(update))
  const { session } = await client.request<Summary>(SUMMARY, { id: sessionId })
  const { costUsd, turns, toolCalls } = session.usage
  const cap = budgetUsd ? ` of $${budgetUsd}` : ''
  output.write(`\n${session.status} (${session.stopReason ?? 'no reason'}): ${turns} turns, ${toolCalls} tool calls, $${costUsd}${cap}\n`)
  return { status: session.status, stopReason: session.stopReason, costUsd }
}
