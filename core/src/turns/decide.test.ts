import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, MAX_CUT_OFFS, readableMessages } from './decide.ts'
import type { ToolCallView, TurnView } from './view-turn.ts'

const call: fc.Arbitrary<ToolCallView> = fc.record({
  id: fc.uuid(),
  name: fc.constantFrom('bash', 'read', 'nothing'),
  input: fc.constant({}),
  seq: fc.option(fc.nat()),
  broken: fc.constantFrom(null, null, 'invalid_json', 'cut_off'),
  done: fc.boolean(),
})

const view: fc.Arbitrary<TurnView> = fc
  .record({
    answer: fc.option(
      fc.record({
        stopReason: fc.constantFrom('end_turn', 'tool_use', 'max_tokens', 'refusal', 'model_context_window_exceeded'),
        content: fc.constant([]),
      }),
    ),
    calls: fc.array(call, { maxLength: 4 }),
    unread: fc.array(fc.record({ seq: fc.nat(), mode: fc.constantFrom('queue', 'steer', 'interrupt') }), { maxLength: 4 }),
    control: fc.constantFrom(null, null, 'pause', 'interrupt'),
    workEnded: fc.boolean(),
    hasNews: fc.boolean(),
    cutOffs: fc.integer({ min: 0, max: 4 }),
  })
  .map((drawn) => ({ ...drawn, calls: drawn.answer === null ? [] : drawn.calls })) // calls come with an answer

const open = ({ calls }: TurnView) => calls.filter(({ done }) => !done)
const holds = (check: (view: TurnView) => unknown) => {
  const property = fc.property(view, (drawn) => {
    check(drawn)
  })
  fc.assert(property, { numRuns: 1_000 })
}

const plain: TurnView = { answer: null, calls: [], unread: [], control: null, workEnded: true, hasNews: true, cutOffs: 0 }
const said = (stopReason: string) => ({ stopReason, content: [] })

describe('what a turn does next', () => {
  it('does nothing but wait once a person wishes to pause', () => {
    holds((drawn) => expect(decide({ ...drawn, control: 'pause' })).toEqual({ do: 'pause' }))
  })

  it('pauses only for a person', () => {
    holds((drawn) => {
      if (drawn.control !== 'pause') expect(decide(drawn).do).not.toBe('pause')
    })
  })

  it('never asks the model while a call is open, nor twice in one turn', () => {
    holds((drawn) => {
      if (decide(drawn).do === 'call_model') expect([open(drawn), drawn.answer]).toEqual([[], null])
    })
  })

  it('never asks the model while a message waits that it may read', () => {
    holds((drawn) => {
      if (decide(drawn).do === 'call_model') expect(readableMessages(drawn)).toEqual([])
    })
  })

  it('starts no call, and recovers none, once a person has interrupted', () => {
    holds((drawn) => expect(['start_call', 'recover_call', 'call_model']).not.toContain(decide({ ...drawn, control: 'interrupt' }).do))
  })

  it('never runs a call whose input is broken', () => {
    holds((drawn) => {
      const step = decide(drawn)
      if (step.do === 'start_call' || step.do === 'recover_call') expect(step.call.broken).toBeNull()
    })
  })

  it('starts a call only if it was never logged, and never one that has its result', () => {
    holds((drawn) => {
      const step = decide(drawn)
      if (step.do === 'start_call') expect([step.call.seq, step.call.done]).toEqual([null, false])
      if (step.do === 'recover_call') expect([step.call.seq === null, step.call.done]).toEqual([false, false])
    })
  })

  it('takes the calls of an answer in order', () => {
    holds((drawn) => {
      const step = decide(drawn)
      if (step.do === 'start_call' || step.do === 'recover_call' || step.do === 'refuse_call') expect(step.call).toBe(open(drawn)[0])
      if (step.do === 'interrupt_calls') expect(step.calls).toEqual(open(drawn))
    })
  })

  it('settles only when no call is open', () => {
    holds((drawn) => {
      if (decide(drawn).do === 'settle') expect(open(drawn)).toEqual([])
    })
  })

  it('reads queued messages only when the agent has ended its work, the others before the next model call', () => {
    holds((drawn) => {
      const readable = readableMessages(drawn)
      const queued = drawn.unread.filter(({ mode }) => mode === 'queue').map(({ seq }) => seq)
      if (!drawn.workEnded) expect(readable.length).toBe(drawn.unread.length - queued.length)
      else expect(readable).toEqual(drawn.unread.map(({ seq }) => seq))
    })
  })

  it('reads all that it may read at once, oldest first, and only before an answer', () => {
    holds((drawn) => {
      const step = decide(drawn)
      if (step.do !== 'read_messages') return
      expect(step.seqs).toEqual(readableMessages(drawn))
      expect(drawn.answer).toBeNull()
    })
  })

  it('asks nothing when nothing is left to answer', () => {
    expect(decide({ ...plain, hasNews: false })).toEqual({ do: 'settle', outcome: 'ended' })
    expect(decide(plain)).toEqual({ do: 'call_model' })
  })

  it('ends the turn at an interrupt that has nothing left to stop and nothing left to read', () => {
    // A model asked now would be stopped at once, and asked again, and stopped.
    expect(decide({ ...plain, control: 'interrupt' })).toEqual({ do: 'settle', outcome: 'continue' })
  })

  it('goes on after calls, ends after a plain answer, and stops where somebody should look', () => {
    const done = { id: 'c', name: 'bash', input: {}, seq: 1, broken: null, done: true }
    const settled = (more: Partial<TurnView>) => decide({ ...plain, answer: said('end_turn'), ...more })
    expect(settled({ calls: [done] })).toEqual({ do: 'settle', outcome: 'continue' })
    expect(settled({})).toEqual({ do: 'settle', outcome: 'ended' })
    expect(settled({ answer: said('refusal') })).toEqual({ do: 'settle', outcome: 'refusal' })
    expect(settled({ answer: said('model_context_window_exceeded') })).toEqual({ do: 'settle', outcome: 'context_full' })
  })

  it('lets the output limit cut the agent off twice in a row, and stops at the third time', () => {
    const cutOff = (cutOffs: number) => decide({ ...plain, answer: said('max_tokens'), cutOffs })
    expect(cutOff(1)).toEqual({ do: 'settle', outcome: 'continue' })
    expect(cutOff(MAX_CUT_OFFS)).toEqual({ do: 'settle', outcome: 'continue' })
    expect(cutOff(MAX_CUT_OFFS + 1)).toEqual({ do: 'settle', outcome: 'circuit_breaker' })
  })
})
