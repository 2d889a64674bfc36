import { expect, test } from 'vitest'
import type { LogEvent } from '../log/session-log.ts'
import { estimateHeight, toRow } from './to-row.ts'

const event = (type: string, payload: unknown): LogEvent => ({
  seq: 1,
  type,
  payload,
  actor: 'platform',
  costUsd: null,
  createdAt: '2026-01-01T00:00:00Z',
})

test('a result is told by its call, unless the call never began', () => {
  expect(toRow(event('agent.tool_result', { callSeq: 4 }))).toEqual({ kind: 'hidden' })
  expect(toRow(event('agent.tool_result', { callSeq: null }))).toEqual({ kind: 'result' })
})

test('only statuses in which the session rests are marks', () => {
  expect(toRow(event('session.status', { status: 'RUNNING' }))).toEqual({ kind: 'hidden' })
  expect(toRow(event('session.status', { status: 'PAUSED', stopReason: 'BUDGET_REACHED' }))).toMatchObject({
    kind: 'mark',
    tone: 'warn',
    label: 'paused',
    text: 'budget reached',
  })
})

test('why a session rests is told in words, not by the name of a reason', () => {
  const textOf = (status: string, stopReason: string) => (toRow(event('session.status', { status, stopReason })) as { text: string }).text
  expect([textOf('IDLE', 'END_TURN'), textOf('COMPLETED', 'DONE')]).toEqual(['the agent ended its work', 'every condition holds'])
  expect(textOf('IDLE', 'OF_A_LATER_RELEASE')).toBe('of a later release')
})

test('a cap is told in dollars', () => {
  expect(toRow(event('budget.raised', { scope: 'SESSION', limitNanos: '1500000000' }))).toMatchObject({
    text: 'the session cap is now $1.50',
  })
})

test('a cap that holds is named by its scope, not by an id', () => {
  expect(toRow(event('budget.reached', { scope: 'session:ses_1' }))).toMatchObject({
    text: 'the session cap holds the session: nothing more is spent',
  })
})

test('a sandbox without isolation is a warning', () => {
  expect(toRow(event('sandbox.state', { state: 'RUNNING', isolated: false, image: 'x' }))).toMatchObject({
    tone: 'warn',
    text: 'x · WITHOUT ISOLATION',
  })
})

test('a way back is told with what went back and where to', () => {
  expect(toRow(event('session.rewound', { axis: 'FILES', seq: 1_204, label: 'good' }))).toMatchObject({
    kind: 'mark',
    label: 'rewound',
    text: 'the files are as at good, event 1,204; nothing is erased',
  })
})

test('an upload is told by its path and size, and one that could not be placed with its reason', () => {
  expect(toRow(event('user.upload', { path: 'data/in.csv', kind: 'file', files: 1, sizeBytes: 8 }))).toMatchObject({
    text: '/workspace/data/in.csv, 8 B',
  })
  expect(toRow(event('user.upload', { path: '', kind: 'folder', files: 2, sizeBytes: 2_048 }))).toMatchObject({
    text: '2 files into /workspace, 2 KB',
  })
  expect(toRow(event('user.upload_placed', { seqs: [8], refused: [] }))).toMatchObject({
    tone: 'quiet',
    text: 'what was uploaded is in the sandbox',
  })
  expect(toRow(event('user.upload_placed', { seqs: [], refused: [{ seq: 9, reason: 'a folder stands there' }] }))).toMatchObject({
    tone: 'warn',
    text: 'an upload could not be put there',
    detail: 'event 9: a folder stands there',
  })
})

test('a sandbox that is gone is no alarm: what follows says what was lost', () => {
  expect(toRow(event('sandbox.state', { state: 'GONE', image: 'x' }))).toMatchObject({ tone: 'quiet', label: 'sandbox gone' })
})

test('a type of a later release is a mark with its name, and a payload of any shape breaks nothing', () => {
  expect(toRow(event('thing.happened', {}))).toMatchObject({ kind: 'mark', label: 'thing.happened' })
  for (const payload of [null, 7, 'text', [], { lostCalls: 3, limitNanos: {}, status: [] }])
    for (const type of [
      'session.status',
      'sandbox.state',
      'budget.raised',
      'harness.error',
      'agent.tool_result',
      'condition.waived',
      'session.rewound',
      'user.upload',
      'user.upload_placed',
    ])
      expect(() => toRow(event(type, payload))).not.toThrow()
})

test('what is not shown has no height', () => {
  expect(estimateHeight(event('user.message_read', { seqs: [1] }))).toBe(0)
  expect(estimateHeight(undefined)).toBeGreaterThan(0)
})
