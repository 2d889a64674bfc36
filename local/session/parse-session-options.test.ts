import { expect, test } from 'vitest'
import { parseCondition, parseSessionOptions } from './parse-session-options.ts'

const needed = ['--agent', 'fixer', '--prompt', 'repair it']

test('conditions are commands unless they say their kind, and may be named', () => {
  expect(parseCondition('npm test')).toEqual({ name: 'npm test', spec: { command: { run: 'npm test' } } })
  expect(parseCondition('tests pass=command:A=1 npm test')).toEqual({ name: 'tests pass', spec: { command: { run: 'A=1 npm test' } } })
  expect(parseCondition('A=1 npm test')).toEqual({ name: 'A=1 npm test', spec: { command: { run: 'A=1 npm test' } } })
  expect(parseCondition('unchanged:test/**, *.lock')).toEqual({
    name: 'test/**, *.lock',
    spec: { unchanged: { paths: ['test/**', '*.lock'] } },
  })
  expect(parseCondition('report=file:out/report.md')).toEqual({ name: 'report', spec: { file: { path: 'out/report.md', exists: true } } })
  expect(parseCondition('rubric:is it polite: yes?').spec).toEqual({ rubric: { rubric: 'is it polite: yes?' } })
  expect(() => parseCondition(' ')).toThrow('expected a command')
})

test('the key comes from the flag, then the environment, then the demo of this machine', () => {
  const key = (args: string[], env: Record<string, string>, demoKey: string) => {
    const options = parseSessionOptions([...needed, ...args], env, demoKey)
    return options === 'help' ? '' : options.key
  }
  expect(key(['--key', 'a'], { LONGHAUL_KEY: 'b' }, 'c')).toBe('a')
  expect(key([], { LONGHAUL_KEY: 'b' }, 'c')).toBe('b')
  expect(key([], {}, 'c')).toBe('c')
  expect(() => parseSessionOptions(needed, {})).toThrow('no api key')
})

test('what is missing or can not be read is named', () => {
  expect(() => parseSessionOptions(['--agent', 'fixer'], {}, 'k')).toThrow('--prompt')
  expect(() => parseSessionOptions([...needed, '--max-evaluations', '0'], {}, 'k')).toThrow('--max-evaluations')
  expect(() => parseSessionOptions([...needed, '--file', 'x'], {}, 'k')).toThrow('--file')
  expect(() => parseSessionOptions([...needed, '--conditions', 'x'], {}, 'k')).toThrow('--conditions')
  expect(parseSessionOptions(['--help'], {})).toBe('help')
})

test('a repository goes into a folder of its own name, at a ref if one is given', () => {
  const options = parseSessionOptions([...needed, '--git', 'https://example.com/a/tool.git#v2', '--follow', 'ses_1'], {}, 'k')
  expect(options).toMatchObject({ repositories: [{ path: 'tool', url: 'https://example.com/a/tool.git', ref: 'v2' }], follow: 'ses_1' })
})

test('files go to and come from one session, under their own names unless others are given', () => {
  const options = parseSessionOptions(['--upload', 'a/data/', '--upload', 'x.csv:in/y.csv', '--download', 'out/z.txt', 'ses_1'], {}, 'k')
  expect(options).toMatchObject({
    transfer: {
      sessionId: 'ses_1',
      uploads: [
        { from: 'a/data/', to: 'data' },
        { from: 'x.csv', to: 'in/y.csv' },
      ],
      downloads: [{ from: 'out/z.txt', to: 'z.txt' }],
    },
  })
  expect(() => parseSessionOptions(['--upload', 'a'], {}, 'k')).toThrow('the id of one session')
  expect(() => parseSessionOptions(['--upload', 'a:', 'ses_1'], {}, 'k')).toThrow('--upload: expected FROM')
  expect(() => parseSessionOptions([...needed, 'ses_1'], {}, 'k')).toThrow('what is "ses_1"?')
})
