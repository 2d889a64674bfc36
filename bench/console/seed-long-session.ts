import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import { appendEvents } from '@longhaul/core/src/log/append-events.ts'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ClaimedSession, claimSessions } from '../platform/claimed-sessions.ts'

/** Events that one append takes: the log of a long session, not the way it came about, is what is wanted. */
const BATCH = 100

/** A session whose log is so long, of turns as agents make them: an answer, two tool calls with their results, now and then a verdict. */
export const seedLongSession = async (test: TestDatabase, events: number): Promise<ClaimedSession> => {
  const [session] = (await claimSessions(test, 1)) as [ClaimedSession]
  let waiting: NewEvent[] = []
  const flush = async (): Promise<void> => {
    const result = await appendEvents(test.db, { ...session, events: waiting })
    if (result.refused !== undefined) throw new Error(`an append was refused: ${result.refused}`)
    waiting = []
  }
  for (let turn = 0, written = 0; written < events; turn++) {
    const made = toTurn(turn).slice(0, events - written)
    written += made.length
    waiting.push(...made)
    if (waiting.length >= BATCH) await flush()
  }
  if (waiting.length > 0) await flush()
  return session
}

/** What is watched for: a row of its own, with words that name it. */
export const toAnswer = (turnId: string, text: string): NewEvent => ({
  type: 'agent.message',
  actor: 'agent',
  payload: {
    turnId,
    model: 'claude-sonnet-5-5',
    content: [{ type: 'text', text }],
    stopReason: 'tool_use',
    usage: { inputTokens: 2_000, outputTokens: 300, cacheReadTokens: 40_000, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 },
    basis: 'exact',
    reservationId: 'res_benchmark',
    promptHash: 'benchmark',
    brokenCalls: [],
  },
})

const TEXT = `I look at the **failing** test first, then at \`src/report.ts\`:

- the total is rounded twice
- the header is written *before* the rows are known

\`\`\`ts
export const total = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + row.amount, 0)
\`\`\`
`

const toTurn = (turn: number): NewEvent[] => {
  const turnId = `trn_${turn}`
  const events: NewEvent[] = [toAnswer(turnId, `Turn ${turn}. ${turn % 3 === 0 ? TEXT : 'I run the tests again and read what they say.'}`)]
  for (const call of ['a', 'b']) {
    const callId = `toolu_${turn}${call}`
    events.push(
      {
        type: 'agent.tool_call',
        actor: 'agent',
        payload: {
          turnId,
          callId,
          name: 'bash',
          input: { command: `npm test -- part-${turn}` },
          permission: 'ALWAYS_ALLOW',
          summary: 'npm test',
        },
      },
      {
        type: 'agent.tool_result',
        actor: 'agent',
        payload: {
          turnId,
          callId,
          callSeq: 1,
          outcome: 'done',
          output: `\u001b[32m✓\u001b[0m part ${turn} passes in ${turn % 90} ms\n`.repeat(12),
          isError: false,
          exitCode: 0,
          durationMs: turn % 4_000,
          truncated: false,
          outputFile: null,
        },
      },
    )
  }
  if (turn % 40 === 39)
    events.push({ type: 'harness.error', actor: 'platform', payload: { turnId, next: 'retrying', message: 'The provider is overloaded.' } })
  return events
}
