/** The contract's part on failures: what each means, and what it costs. */
import type { Fault } from '@longhaul/core/testing/scripted-model/script.ts'
import type { Charge } from '@longhaul/core/testing/scripted-model/witness.ts'
import { describe, expect, it } from 'vitest'
import type { ModelOutcome } from './model.ts'
import { long, type ModelAsker } from './model-asker.contract.ts'

export function failuresContract(asker: ModelAsker): void {
  describe('a refusal before the stream', () => {
    it.each<[string, Fault, { reason: string; status: number; retryAfterMs: number | null }]>([
      ['429 without retry-after', { kind: 'status', status: 429 }, { reason: 'retryable', status: 429, retryAfterMs: null }],
      ['429 with seconds', { kind: 'status', status: 429, retryAfter: '7' }, { reason: 'retryable', status: 429, retryAfterMs: 7_000 }],
      ['529', { kind: 'status', status: 529 }, { reason: 'retryable', status: 529, retryAfterMs: null }],
      ['500', { kind: 'status', status: 500 }, { reason: 'retryable', status: 500, retryAfterMs: null }],
      ['400', { kind: 'status', status: 400, message: 'wrong' }, { reason: 'rejected', status: 400, retryAfterMs: null }],
      ['403', { kind: 'status', status: 403 }, { reason: 'rejected', status: 403, retryAfterMs: null }],
      ['413', { kind: 'status', status: 413 }, { reason: 'rejected', status: 413, retryAfterMs: null }],
      ['a prompt over the window', { kind: 'prompt_too_long' }, { reason: 'too_long', status: 400, retryAfterMs: null }],
    ])('%s costs nothing and says what to do next', async (_what, fault, failure) => {
      const { outcome, charge } = await asker.askWith(fault)
      expect(outcome).toMatchObject({ kind: 'failed', failure, billing: { kind: 'none' }, requestId: expect.stringMatching(/./) })
      expect(charge).toBeUndefined()
    })

    it('reads a retry-after that is a date', async () => {
      const { outcome } = await asker.askWith({ kind: 'status', status: 429, retryAfter: new Date(Date.now() + 60_000).toUTCString() })
      const wait = outcome.kind === 'failed' ? outcome.failure.retryAfterMs : null
      expect(wait).toBeGreaterThan(50_000)
      expect(wait).toBeLessThanOrEqual(61_000)
    })

    it('is a model that the provider does not know', async () => {
      const { outcome } = await asker.ask([], { model: 'claude-nobody' })
      expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'rejected', status: 404 }, billing: { kind: 'none' } })
    })

    it('is an error event in place of the beginning', async () => {
      const { outcome } = await asker.askWith({ kind: 'error_event', afterPieces: -1 })
      expect(outcome).toMatchObject({
        kind: 'failed',
        failure: { reason: 'retryable', type: 'overloaded_error' },
        billing: { kind: 'none' },
      })
    })
  })

  describe('a stream that breaks', () => {
    it('by an error event is retried, its input billed exactly and its output estimated', async () => {
      const { outcome, charge } = await asker.askWith({ kind: 'error_event' })
      expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'retryable', status: null, type: 'overloaded_error' } })
      expectEstimate(outcome, charge)
    })

    it.each<[string, Fault]>([
      ['a connection reset before the answer', { kind: 'reset_before_headers' }],
      ['a connection reset in the middle', { kind: 'reset_mid_stream' }],
      ['a stream that ends inside a tool call', { kind: 'cut_tool_input' }],
      ['a stream without message_stop', { kind: 'no_message_stop' }],
      ['silence before the answer', { kind: 'stall', afterPieces: -1 }],
      ['silence in the middle', { kind: 'stall' }],
    ])('by %s is retried, and its cost is unknown', async (_what, fault) => {
      const { outcome } = await asker.askWith(fault)
      expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'retryable' }, billing: { kind: 'unknown' } })
    })

    it('by an event that is not JSON is retried, estimated', async () => {
      const { outcome, charge } = await asker.askWith({ kind: 'malformed_event' })
      expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'retryable' } })
      expectEstimate(outcome, charge)
    })

    it('is not taken for silent while it is pinged', async () => {
      const interrupt = new AbortController()
      const pinged = asker.ask({ text: long, faults: [{ kind: 'stall', pings: true }] }, { signal: interrupt.signal })
      // Each of these is given up for silence; the one that is pinged outlives both.
      await asker.askWith({ kind: 'stall' })
      await asker.askWith({ kind: 'stall' })
      interrupt.abort()
      expect((await pinged).outcome).toMatchObject({ kind: 'failed', failure: { reason: 'interrupted' } })
    })

    it.each<[string, Fault]>([
      ['in many events', { kind: 'huge_answer', bytes: 100_000_000 }],
      ['in one event', { kind: 'huge_answer', bytes: 100_000_000, oneEvent: true }],
    ])('by going on for 100 MB %s is cut off, and memory stays bounded', async (_what, fault) => {
      const before = process.memoryUsage().rss
      const { outcome, charge } = await asker.askWith(fault)
      expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'retryable', message: expect.stringContaining('cut off') } })
      expectEstimate(outcome, charge)
      expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000)
    })
  })

  describe('an interruption', () => {
    it('in the middle keeps what is known of the cost', async () => {
      const interrupt = new AbortController()
      const { outcome } = await asker.ask(
        { text: long.repeat(10), chunkDelayMs: 5 },
        { signal: interrupt.signal, onDelta: () => interrupt.abort() },
      )
      expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'interrupted' } })
      await expect.poll(() => asker.fixture.charges.at(-1)?.finished).toBe(false)
      expectEstimate(outcome, asker.fixture.charges.at(-1))
    })

    it('before the answer began leaves the cost unknown', async () => {
      const interrupt = new AbortController()
      const { outcome } = await asker.ask(
        { text: 'late', delayMs: 60_000 },
        { signal: interrupt.signal, onRequestSent: () => interrupt.abort() },
      )
      expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'interrupted' }, billing: { kind: 'unknown' } })
    })

    it('before the request was sent costs nothing', async () => {
      const { outcome } = await asker.ask({ text: 'never' }, { signal: AbortSignal.abort() })
      expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'interrupted' }, billing: { kind: 'none' } })
    })
  })
}

/** Exact on input, and on output no less than what the provider counted up to the break. */
function expectEstimate({ billing }: ModelOutcome, charge: Charge | undefined): void {
  if (billing.kind !== 'estimated') throw new Error(`expected an estimate, got ${billing.kind}`)
  const { outputTokens, ...input } = billing.usage
  expect(charge?.usage).toMatchObject(input)
  expect(outputTokens).toBeGreaterThanOrEqual(charge?.usage.outputTokens ?? Number.POSITIVE_INFINITY)
  expect(outputTokens).toBeLessThanOrEqual(4_000)
}
