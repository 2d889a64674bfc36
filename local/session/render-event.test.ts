import { expect, test } from 'vitest'
import { renderEvent } from './render-event.ts'

const event = (type: string, payload: unknown) => ({ __typename: 'Event' as const, seq: 1, type, payload, costUsd: null, createdAt: '' })
const texts = (type: string, payload: unknown) =>
  renderEvent(event(type, payload)).map(({ mark, label, text }) => [mark, label, text].join('|'))

test('a command that fails shows its exit code, its time and the end of its output', () => {
  const output = Array.from({ length: 9 }, (_, index) => `  line ${index}`).join('\n')
  const lines = texts('agent.tool_result', { outcome: 'done', output, isError: true, exitCode: 1, durationMs: 1234, outputFile: null })
  expect(lines[0]).toBe('✗||exit 1 · 1.2 s')
  expect(lines.slice(1)).toEqual(['||… 3 more lines', ...[3, 4, 5, 6, 7, 8].map((index) => `||  line ${index}`)])
})

test('a call whose outcome is unknown says so', () => {
  expect(texts('agent.tool_result', { outcome: 'outcome_unknown', output: '', isError: true, exitCode: null })).toEqual([
    '✗||outcome unknown',
  ])
})

test('a tool call shows the command or the path it is about', () => {
  expect(texts('agent.tool_call', { name: 'bash', input: { command: 'npm\ntest' } })).toEqual(['⚙|bash|npm test'])
  expect(texts('agent.tool_call', { name: 'edit', input: { file_path: '/workspace/a.py', old_string: 'x' } })).toEqual([
    '⚙|edit|/workspace/a.py',
  ])
})

test('a verdict that does not satisfy shows why, and a check without isolation is marked', () => {
  const lines = texts('condition.evaluated', { name: 'tests pass', verdict: 'UNSATISFIED', explanation: 'exit 1\nFAILED', isolated: false })
  expect(lines).toEqual(['✗|condition|tests pass · UNSATISFIED', '!||checked without isolation', '||exit 1', '||FAILED'])
  expect(texts('condition.evaluated', { name: 'tests pass', verdict: 'SATISFIED', isolated: true })).toEqual([
    '✓|condition|tests pass · SATISFIED',
  ])
})

test('only statuses in which the session rests are shown', () => {
  expect(texts('session.status', { status: 'RUNNING', stopReason: null })).toEqual([])
  expect(texts('session.status', { status: 'PAUSED', stopReason: 'BUDGET_REACHED' })).toEqual(['■|session|PAUSED · BUDGET_REACHED'])
})

test('an event of a type from a later release is shown by its name, and a payload of another shape breaks nothing', () => {
  expect(texts('thing.happened', { a: 1 })).toEqual(['·|thing.happened|'])
  for (const payload of [null, 'text', 7, [], { content: 'no list', input: null, lostCalls: 3 }]) {
    for (const type of [
      'agent.message',
      'agent.tool_call',
      'agent.tool_result',
      'sandbox.state',
      'condition.evaluated',
      'user.message',
      'session.status',
    ]) {
      expect(() => renderEvent(event(type, payload))).not.toThrow()
    }
  }
})

test('nothing an agent writes reaches the terminal as a control sequence', () => {
  const evil = '\u001b[2J\u001b]0;owned\u0007\u0000'
  const lines = [
    ...renderEvent(
      event('agent.message', {
        content: [
          { type: 'text', text: evil },
          { type: 'text', text: `a${evil}` },
        ],
      }),
    ),
    ...renderEvent(event('agent.tool_call', { name: evil, input: { command: evil } })),
    ...renderEvent(event('agent.tool_result', { outcome: evil, output: `a\n${evil}b`, outputFile: evil })),
    ...renderEvent(event('condition.evaluated', { name: evil, verdict: evil, explanation: evil })),
    ...renderEvent(event('session.status', { status: 'PAUSED', stopReason: evil })),
    ...renderEvent(event(evil, {})),
  ]
  expect(lines.length).toBeGreaterThan(6)
  for (const { mark, label, text } of lines) expect(mark + label + text).not.toMatch(/\p{Cc}/u)
})
