import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import { appendEvents } from '@longhaul/core/src/log/append-events.ts'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'

type Log = { tenantId: string; sessionId: string }

const BATCH = 999 // whole rounds of three

/** Rounds of a message, its reading and an answer, up to so many events, through core like any other. */
export const fillLog = async (test: TestDatabase, { events, ...log }: Log & { events: number }): Promise<void> => {
  let { head, threadId } = await readHead(test, log)
  while (head < events) {
    head = await append(test, { ...log, threadId, events: toRounds(head, Math.min(BATCH, Math.ceil((events - head) / 3) * 3)) })
  }
}

/** A compaction and 33 rounds after it: what a turn reads is a hundred events, however long the log is. */
export const compactAtLastHundred = async (test: TestDatabase, log: Log): Promise<void> => {
  const { head, threadId } = await readHead(test, log)
  const compacted: NewEvent = {
    type: 'agent.compacted',
    actor: 'agent',
    payload: { turnId: 'trn_benchmark', summary: 'Everything went well. [[script:answer]]' },
  }
  await append(test, { ...log, threadId, events: [compacted, ...toRounds(head + 1, 99)] })
}

const toRounds = (head: number, count: number): NewEvent[] => {
  const events: NewEvent[] = []
  for (let seq = head + 1; seq <= head + count; seq += 3) {
    events.push(
      { type: 'user.message', actor: 'user', payload: { text: `Message ${seq}. ${'Words of a person. '.repeat(5)}`, mode: 'queue' } },
      { type: 'user.message_read', actor: 'platform', payload: { turnId: 'trn_benchmark', seqs: [seq] } },
      {
        type: 'agent.message',
        actor: 'agent',
        payload: {
          turnId: `trn_benchmark_${seq}`,
          model: 'claude-sonnet-5-5',
          content: [{ type: 'text', text: 'An answer of the usual length, in a few words. '.repeat(5) }],
          stopReason: 'end_turn',
          usage: { inputTokens: 1_000, outputTokens: 50, cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 },
          basis: 'exact',
          reservationId: 'rsv_benchmark',
          promptHash: 'benchmark',
          brokenCalls: [],
        },
      },
    )
  }
  return events
}

const append = async (test: TestDatabase, { events, ...log }: Log & { threadId: string; events: NewEvent[] }): Promise<number> => {
  const result = await appendEvents(test.db, { ...log, epoch: null, events })
  if (result.refused !== undefined) throw new Error(`the log could not be filled: ${result.refused}`)
  return result.head
}

const readHead = async (test: TestDatabase, { sessionId }: Log): Promise<{ head: number; threadId: string }> => {
  const { rows } = await test.superuser.query<{ head: number; threadId: string }>(
    'select head, primary_thread_id as "threadId" from session where id = $1',
    [sessionId],
  )
  return rows[0]!
}
