import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import type { Sandbox } from '../sandboxes/sandbox.ts'
import type { Tool } from './tool.ts'
import { tools, toolsByName } from './tools.ts'

const refuse = async (): Promise<never> => {
  throw new Error('nothing may reach the sandbox')
}
const unusable = new Proxy({} as Sandbox, { get: () => refuse })
const never = new AbortController().signal
const find = (name: string): Tool => {
  const tool = toolsByName.get(name)
  if (!tool) throw new Error(`no tool ${name}`)
  return tool
}

describe('what a model may send', () => {
  test.each([
    ['bash', {}],
    ['bash', null],
    ['bash', undefined],
    ['bash', 'ls'],
    ['bash', ['ls']],
    ['bash', { command: '' }],
    ['bash', { command: 1 }],
    ['bash', { command: 'a\0b' }],
    ['bash', { command: 'x'.repeat(200_000) }],
    ['bash', { command: 'ls', timeout_ms: 'soon' }],
    ['bash', { command: 'ls', timeout_ms: -1 }],
    ['bash', { command: 'ls', timeout_ms: 600_001 }],
    ['bash', { command: 'ls', cwd: '/' }],
    ['bash', { command: { toString: 'ls' } }],
    ['read', { file_path: '' }],
    ['read', { file_path: 'a', view_range: [0, 1] }],
    ['read', { file_path: 'a', view_range: [5, 2] }],
    ['read', { file_path: 'a', view_range: [1] }],
    ['read', { file_path: 'a', view_range: ['1;rm', 2] }],
    ['read', { file_path: 'x'.repeat(5_000) }],
    ['write', { file_path: 'a' }],
    ['write', { file_path: 'a/', content: 'x' }],
    ['write', { file_path: 'a', content: 'x\0' }],
    ['edit', { file_path: 'a', old_string: '', new_string: 'x' }],
    ['edit', { file_path: 'a', old_string: 'x', new_string: 'x' }],
    ['edit', { file_path: 'a', old_string: 'x', new_string: 'y', replace_all: 'yes' }],
    ['glob', { pattern: '' }],
    ['glob', { pattern: 'src/' }],
    ['grep', { pattern: 'x', path: 7 }],
    ['grep', { pattern: 'x\ny' }],
    ['grep', { pattern: 'x', glob: '!*.ts' }],
    ['grep', { pattern: 'x', glob: 'src/*.ts' }],
    ['grep', { pattern: 'x', output_mode: 'json' }],
  ])('%s answers %j with a sentence, runs nothing and collects nothing', async (name, input) => {
    const context = { sandbox: unusable, callNo: 0, signal: never, maxOutputBytes: 1_000 }
    const outcome = await find(name).run(input, context)
    expect(outcome).toMatchObject({
      isError: true,
      exitCode: null,
      output: expect.stringMatching(new RegExp(`^${name}: wrong input: [^\n]+\\. Nothing was run\\.$`)),
    })
    expect(Buffer.byteLength(outcome.output)).toBeLessThan(1_000)
    expect(await find(name).collect(input, context)).toEqual(outcome)
  })

  test('a sentence names the field and what is accepted', async () => {
    const say = async (name: string, input: unknown) =>
      (await find(name).run(input, { sandbox: unusable, callNo: 0, signal: never, maxOutputBytes: 1_000 })).output
    expect(await say('bash', {})).toBe('bash: wrong input: command: expected string, received undefined. Nothing was run.')
    expect(await say('read', { file_path: 'a', view_range: [0, 1] })).toBe(
      'read: wrong input: view_range: the first line counts from 1, the last is not before it. Nothing was run.',
    )
    expect(await say('edit', { file_path: 'a', old_string: 'x', new_string: 'x' })).toBe(
      'edit: wrong input: old_string and new_string are the same. Nothing was run.',
    )
  })
})

describe('what a model is told', () => {
  test.each([
    ['bash', { command: 'ls', timeout_ms: 5 }],
    ['read', { file_path: 'a', view_range: [1, -1] }],
    ['write', { file_path: 'a', content: '' }],
    ['edit', { file_path: 'a', old_string: 'x', new_string: '', replace_all: true }],
    ['glob', { pattern: '**', path: '/' }],
    ['grep', { pattern: 'x', path: '/', glob: '*.ts', output_mode: 'files', ignore_case: true }],
  ])('the schema of %s takes %j, and neither less nor more fields', (name, input) => {
    const accepts = new Ajv().compile(find(name).definition.inputSchema)
    expect(accepts(input)).toBe(true)
    expect(accepts({ ...input, more: 1 })).toBe(false)
    expect(accepts({})).toBe(false)
    expect(Object.keys(find(name).definition.inputSchema['properties'] as object)).toEqual(Object.keys(input))
  })

  test('the tools keep their order, on which the cache of the prompt depends', () => {
    expect(tools.map(({ definition }) => definition.name)).toEqual(['bash', 'read', 'write', 'edit', 'glob', 'grep'])
  })
})

describe('summaries', () => {
  test('say what a call is about to do in one line of at most 80 characters', () => {
    for (const tool of tools) {
      for (const input of [null, undefined, 'x', [], {}, { command: 'x\n'.repeat(100), file_path: '💡'.repeat(100), pattern: 5 }]) {
        const summary = tool.summarize(input)
        expect(summary).toMatch(new RegExp(`^${tool.definition.name}[^\n]*$`))
        expect([...summary].length).toBeLessThanOrEqual(80)
      }
    }
    expect(find('bash').summarize({ command: 'npm test' })).toBe('bash: npm test')
    expect(find('edit').summarize({ file_path: 'src/a.ts', old_string: 'x', new_string: 'y' })).toBe('edit: src/a.ts')
  })

  test('hold nothing that steers a terminal or turns the writing around', () => {
    expect(find('bash').summarize({ command: 'echo \u001b[31m\u0007a\u202eb\r\nc\ud800' })).toBe('bash: echo [31m a b c')
  })
})
