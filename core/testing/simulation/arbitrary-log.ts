/**
 * Logs as a thread's turns write them, drawn by fast-check: what is read, said, called and answered stands in an order that the
 * harness could have written, so that a property which fails has found a log that can exist.
 */
import fc from 'fast-check'
import type { ContentBlock } from '../../src/events/content.ts'
import type { EventPayloads, EventType, LogEvent } from '../../src/events/event.ts'

type AnyPayload = { [T in EventType]: { type: T; payload: Omit<EventPayloads[T], 'v'> } }[EventType]

type Round = {
  messages: { text: string; mode: 'queue' | 'steer' | 'interrupt' }[]
  text: string | null
  calls: { output: string; broken: 'invalid_json' | 'cut_off' | null; logged: boolean }[]
  stopReason: 'end_turn' | 'max_tokens' | 'refusal'
  lost: boolean
  verdict: 'SATISFIED' | 'UNSATISFIED' | 'ERROR' | null
  compacted: 'agent.compacted' | 'agent.reset' | null
}

const text = fc.string({ minLength: 1, maxLength: 12 })

const round: fc.Arbitrary<Round> = fc.record({
  messages: fc.array(fc.record({ text, mode: fc.constantFrom('queue', 'steer', 'interrupt') }), { maxLength: 3 }),
  text: fc.option(text),
  calls: fc.array(
    fc.record({
      output: fc.oneof(fc.constant(''), text),
      broken: fc.constantFrom(null, null, 'invalid_json', 'cut_off'),
      logged: fc.boolean(),
    }),
    {
      maxLength: 3,
    },
  ),
  stopReason: fc.constantFrom('end_turn', 'end_turn', 'max_tokens', 'refusal'),
  lost: fc.boolean(),
  verdict: fc.constantFrom(null, null, 'SATISFIED', 'UNSATISFIED', 'ERROR'),
  compacted: fc.constantFrom(null, null, null, 'agent.compacted', 'agent.reset'),
})

export const USAGE = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 3, cacheWrite5mTokens: 2, cacheWrite1hTokens: 0 }

/** Numbers events from 1, all of one thread. */
export const toLog = (events: readonly AnyPayload[]): LogEvent[] =>
  events.map(
    ({ type, payload }, index) =>
      ({
        seq: index + 1,
        type,
        threadId: 'thr_1',
        actor: 'test',
        payload: { ...payload, v: 1 },
        costNanos: null,
        createdAt: new Date(index),
      }) as LogEvent,
  )

/** A whole log: some rounds, every call answered, beginning with a person's message. */
export const arbitraryLog: fc.Arbitrary<LogEvent[]> = fc.array(round, { minLength: 1, maxLength: 6 }).map((rounds) => {
  const events: AnyPayload[] = []
  let news = false
  for (const [number, each] of rounds.entries()) news = addRound(events, { number, round: each, news })
  return toLog(events)
})

const addRound = (events: AnyPayload[], { number, round, news }: { number: number; round: Round; news: boolean }): boolean => {
  const turnId = `trn_${number}`
  const messages = number === 0 ? [{ text: 'begin', mode: 'queue' as const }, ...round.messages] : round.messages
  const seqs = messages.map((message) => events.push({ type: 'user.message', payload: message }))
  if (seqs.length > 0) events.push({ type: 'user.message_read', payload: { turnId, seqs } })
  if (seqs.length === 0 && !news) return false // the model is never asked when it has answered everything
  const calls = round.calls.map((call, index) => ({ ...call, id: `call_${number}_${index}` }))
  events.push(toAnswer(turnId, { round, calls }))
  if (round.lost) events.push({ type: 'sandbox.state', payload: LOST })
  for (const call of calls) addCall(events, turnId, call)
  const cutOff = round.stopReason === 'max_tokens' && calls.length === 0
  const asked = round.verdict === null || calls.length > 0 || cutOff ? null : round.verdict
  if (asked !== null) events.push({ type: 'condition.evaluated', payload: { ...VERDICT, turnId, verdict: asked } })
  if (round.compacted === 'agent.compacted') events.push({ type: 'agent.compacted', payload: { turnId, summary: 'what happened' } })
  if (round.compacted === 'agent.reset') events.push({ type: 'agent.reset', payload: { turnId, handOff: 'go on' } })
  return calls.length > 0 || cutOff || round.lost || (asked !== null && asked !== 'ERROR') || round.compacted !== null
}

const toAnswer = (turnId: string, { round, calls }: { round: Round; calls: (Round['calls'][number] & { id: string })[] }): AnyPayload => {
  const content: ContentBlock[] = [
    ...(round.text === null ? [] : [{ type: 'text' as const, text: round.text }]),
    ...calls.map(({ id }) => ({ type: 'tool_use' as const, id, name: 'bash', input: {} })),
  ]
  const brokenCalls = calls.flatMap(({ id, broken }) => (broken === null ? [] : [{ id, reason: broken }]))
  return {
    type: 'agent.message',
    payload: {
      turnId,
      model: 'm',
      content,
      stopReason: round.stopReason,
      usage: USAGE,
      basis: 'exact',
      reservationId: `rsv_${turnId}`,
      promptHash: 'h',
      brokenCalls,
    },
  }
}

const addCall = (events: AnyPayload[], turnId: string, call: Round['calls'][number] & { id: string }): void => {
  const callSeq =
    call.broken === null && call.logged
      ? events.push({
          type: 'agent.tool_call',
          payload: { turnId, callId: call.id, name: 'bash', input: {}, permission: 'ALWAYS_ALLOW', summary: 'bash' },
        })
      : null
  const outcome = callSeq === null ? 'not_run' : 'done'
  const rest = { exitCode: 0, durationMs: 1, truncated: false, outputFile: null, isError: outcome === 'not_run' }
  events.push({ type: 'agent.tool_result', payload: { turnId, callId: call.id, callSeq, outcome, output: call.output, ...rest } })
}

const LOST = {
  state: 'LOST' as const,
  sandboxId: 'box',
  provider: 'docker',
  engineId: null,
  image: 'default',
  isolated: true,
  lostCalls: [],
}
const VERDICT = {
  evaluationId: 'evl_1',
  conditionId: 'cnd_1',
  name: 'tests pass',
  round: 1,
  explanation: 'they do not',
  evidence: {},
  workspaceDigest: 'd',
  isolated: true,
}
