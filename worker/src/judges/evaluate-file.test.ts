import { type FileSpec, parseConditionSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packWorkspace } from '../../testing/pack-workspace.ts'
import { copyWorkspace, type WorkspaceCopy } from './copy-workspace.ts'
import { evaluateFile } from './evaluate-file.ts'

const person = {
  type: 'object',
  properties: { name: { type: 'string', pattern: '^[A-Z]' }, friends: { type: 'array', items: { $ref: '#' } } },
  required: ['name'],
  additionalProperties: false,
}

let copy: WorkspaceCopy
beforeAll(async () => {
  const tar = packWorkspace({
    'report.md': '# Report\nstatus: done\n',
    'person.json': '\uFEFF{"name": "Ada", "friends": [{"name": "Grace"}]}',
    'wrong.json': '{"name": "ada", "friends": [{"nick": "G"}]}',
    'broken.json': '{"name": ',
    'deep.json': `${'{"name":"A","friends":['.repeat(8_000)}${']}'.repeat(8_000)}`,
    'wide.json': `[${'{},'.repeat(1_700_000)}{}]`,
    'big.txt': 'x'.repeat(5 * 1024 * 1024 + 1),
    'slow.txt': Array.from({ length: 5_000_000 }, (_, index) => ((index * index) % 7 < 3 ? 'a' : 'b')).join(''),
    'folder/inner.txt': 'inner',
    'link.md': { link: 'report.md' },
    'linked-folder': { link: 'folder' },
  })
  copy = await copyWorkspace(tar, { maxBytes: 100 * 2 ** 20, signal: new AbortController().signal })
})
afterAll(() => copy.close())

const evaluate = (file: Record<string, unknown>) => evaluateFile({ copy }, parseConditionSpec({ file }, 'spec').spec as FileSpec)
const verdictOf = async (file: Record<string, unknown>) => (await evaluate(file)).verdict

describe('a FILE condition', () => {
  it.each([
    ['report.md', true, 'SATISFIED'],
    ['folder', true, 'SATISFIED'],
    ['link.md', true, 'SATISFIED'],
    ['gone.md', true, 'UNSATISFIED'],
    ['gone.md', false, 'SATISFIED'],
    ['report.md', false, 'UNSATISFIED'],
    ['linked-folder/inner.txt', true, 'UNSATISFIED'],
  ])('judges that %s exists: %s', async (path, exists, verdict) => {
    expect(await verdictOf({ path, exists })).toBe(verdict)
  })

  it.each([
    ['report.md', '(?m)^status: done$', 'SATISFIED'],
    ['report.md', 'status: (open|late)', 'UNSATISFIED'],
    ['gone.md', '.*', 'UNSATISFIED'],
    ['link.md', 'Report', 'UNSATISFIED'],
    ['folder', '.*', 'UNSATISFIED'],
    ['big.txt', 'x', 'UNSATISFIED'],
  ])('judges that %s matches %s', async (path, matches, verdict) => {
    expect(await verdictOf({ path, matches })).toBe(verdict)
  })

  it('fits JSON to a schema, references and all, and says where it does not', async () => {
    expect(await verdictOf({ path: 'person.json', jsonSchema: person })).toBe('SATISFIED')
    const wrong = await evaluate({ path: 'wrong.json', jsonSchema: person })
    expect(wrong.verdict).toBe('UNSATISFIED')
    expect(wrong.explanation).toContain('#/name')
    expect(wrong.explanation).toContain('#/friends/0')
    expect((await evaluate({ path: 'broken.json', jsonSchema: person })).explanation).toContain('not JSON')
  })

  it('bounds time and memory, whatever was written', async () => {
    const slow = await evaluate({ path: 'slow.txt', matches: `[ab]*a${'[ab]{200}'.repeat(4)}[cd]` })
    const wide = await evaluate({
      path: 'wide.json',
      jsonSchema: { items: { anyOf: [{ type: 'string' }, { required: ['a'] }, { type: 'object' }] } },
    })
    const deep = await evaluate({ path: 'deep.json', jsonSchema: person })
    expect([slow.verdict, wide.verdict, deep.verdict]).toEqual(['UNSATISFIED', 'UNSATISFIED', 'UNSATISFIED'])
    expect(slow.explanation).toContain('within the time allowed')
    expect(wide.explanation).toMatch(/within the (memory|time) allowed/)
    expect(deep.explanation).toContain('nested too deeply')
  })

  it('is an ERROR where the schema itself can not be applied', async () => {
    expect(await verdictOf({ path: 'person.json', jsonSchema: { $ref: '#/$defs/gone' } })).toBe('ERROR')
  })

  it('matches patterns inside a schema in linear time', async () => {
    const evil = { type: 'object', properties: { name: { pattern: '^(a+)+$' } } }
    const copyOfEvil = await copyWorkspace(packWorkspace({ 'evil.json': `{"name":"${'a'.repeat(60)}!"}` }), {
      maxBytes: 1_000_000,
      signal: new AbortController().signal,
    })
    const judged = await evaluateFile({ copy: copyOfEvil }, { path: 'evil.json', jsonSchema: evil })
    expect(judged).toMatchObject({ verdict: 'UNSATISFIED', explanation: expect.stringContaining('does not fit') })
    await copyOfEvil.close()
  })

  it('checks more files at once than it has threads', async () => {
    const verdicts = await Promise.all(Array.from({ length: 10 }, () => verdictOf({ path: 'report.md', matches: 'done' })))
    expect(new Set(verdicts)).toEqual(new Set(['SATISFIED']))
  })
})
