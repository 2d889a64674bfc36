import { expect, it } from 'vitest'
import { awaitRest, type ComparedSession, renderComparison } from './compare-sessions.ts'
import { parseForkOptions } from './parse-fork-options.ts'

const session = (id: string, more: Partial<ComparedSession> = {}): ComparedSession => ({
  id,
  title: 'one',
  status: 'COMPLETED',
  stopReason: 'DONE',
  usage: { costUsd: '0.01', turns: 2, toolCalls: 1 },
  doneConditions: [{ name: 'tests', status: 'SATISFIED' }],
  ...more,
})

it('sessions stand in columns, in the order they were forked, with what holds and what it cost', () => {
  const stuck = {
    title: 'the other\nway',
    status: 'IDLE',
    stopReason: 'MAX_EVALUATIONS',
    doneConditions: [{ name: 'tests', status: 'UNSATISFIED' }],
  }
  expect(renderComparison([session('ses_1'), session('ses_22', stuck)]).split('\n')).toEqual([
    'session  fork           status                conditions  turns  calls  spent',
    'ses_1    one            COMPLETED             1 of 1      2      1      $0.01',
    expect.stringMatching(/^ses_22 {3}the other.way {2}IDLE MAX_EVALUATIONS {2}0 of 1/),
  ])
})

it('all are waited for, each is told of once, and the answer keeps their order', async () => {
  const looks = [
    { s0: session('ses_1', { status: 'RUNNING' }), s1: session('ses_2') },
    { s0: session('ses_1'), s1: session('ses_2') },
  ]
  const told: string[] = []
  const client = { request: async <T>() => looks.shift() as T }
  const rested = await awaitRest(client, { ids: ['ses_1', 'ses_2'], onRest: ({ id }) => void told.push(id), lookMs: 1 })
  expect(told).toEqual(['ses_2', 'ses_1'])
  expect(rested.map(({ id }) => id)).toEqual(['ses_1', 'ses_2'])
})

it('a fork for each prompt, from a session or a checkpoint, and a word about what is missing', () => {
  const parse = (...args: string[]) => parseForkOptions([...args, '--key', 'k'], {})
  expect(parse('ses_1', '--prompt', 'Go left.\nAnd on.', '--prompt', 'Go right.', '--budget', '1')).toMatchObject({
    from: 'ses_1',
    forks: [
      { title: 'Go left.', prompt: 'Go left.\nAnd on.', budgetUsd: '1' },
      { title: 'Go right.', budgetUsd: '1' },
    ],
  })
  expect(() => parse('ses_1')).toThrow(/--prompt is needed/)
  expect(() => parse('agt_1', '--prompt', 'x')).toThrow(/of a session/)
  expect(() => parse('--prompt', 'x')).toThrow(/expected one id/)
})
