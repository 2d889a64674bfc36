import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PlatformError } from '../errors.ts'
import { parseConditionSpec } from './condition-spec.ts'

const parse = (input: unknown) => parseConditionSpec(input, 'spec')

/** The error's field, or the parsed spec where there was none: a test on fields then fails with what was accepted. */
const refusedField = (input: unknown): unknown => {
  try {
    return parse(input)
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'BAD_USER_INPUT') throw error
    expect(error.extensions.reason).toBeTruthy()
    return error.extensions.field
  }
}

describe('parseConditionSpec', () => {
  it('fills in exit 0, 600 seconds and nothing protected for a command', () => {
    expect(parse({ command: { run: 'npm test' } })).toEqual({
      kind: 'COMMAND',
      spec: { run: 'npm test', timeoutSeconds: 600, expectExit: 0, protect: [] },
    })
  })

  it('keeps what a command says, and takes nulls for what is left out', () => {
    const input = {
      command: { run: 'make', timeoutSeconds: 5, expectExit: 3, protect: ['/workspace/tests/**', './tests//**', 'a'] },
      file: null,
    }
    expect(parse(input)).toEqual({ kind: 'COMMAND', spec: { run: 'make', timeoutSeconds: 5, expectExit: 3, protect: ['tests/**', 'a'] } })
    expect(parse({ command: { run: 'x', timeoutSeconds: null, protect: null } }).spec).toMatchObject({ timeoutSeconds: 600, protect: [] })
  })

  it('takes each way of testing a file', () => {
    expect(parse({ file: { path: 'a/b', exists: false } })).toEqual({ kind: 'FILE', spec: { path: 'a/b', exists: false } })
    expect(parse({ file: { path: '/workspace/a', matches: '^ok$', exists: null } })).toEqual({
      kind: 'FILE',
      spec: { path: 'a', matches: '^ok$' },
    })
    const jsonSchema = { type: 'object', properties: { pattern: { pattern: '^a' }, $ref: { const: { $ref: 'http://data' } } } }
    expect(parse({ file: { path: 'a', jsonSchema } })).toEqual({ kind: 'FILE', spec: { path: 'a', jsonSchema } })
    expect(parse({ file: { path: 'a', jsonSchema: true } }).kind).toBe('FILE')
  })

  it('takes unchanged paths and rubrics', () => {
    expect(parse({ unchanged: { paths: ['tests/**'] } })).toEqual({ kind: 'UNCHANGED', spec: { paths: ['tests/**'] } })
    expect(parse({ rubric: { rubric: 'Clear?' } })).toEqual({ kind: 'RUBRIC', spec: { rubric: 'Clear?', model: null } })
    expect(parse({ rubric: { rubric: 'Clear?', model: 'claude-haiku-5-5' } }).spec).toMatchObject({ model: 'claude-haiku-5-5' })
  })

  it.each([
    [null, 'spec'],
    ['command', 'spec'],
    [[], 'spec'],
    [{}, 'spec'],
    [{ command: { run: 'a' }, rubric: { rubric: 'b' } }, 'spec'],
    [{ approval: { question: 'Ship it?' } }, 'spec.approval'],
    [{ __proto__: null, constructor: { run: 'a' } }, 'spec.constructor'],
    [{ command: [] }, 'spec.command'],
    [{ command: { run: ' ' } }, 'spec.command.run'],
    [{ command: { run: { toString: 1 } } }, 'spec.command.run'],
    [{ command: { run: 'a\0b' } }, 'spec.command.run'],
    [{ command: { run: 'a'.repeat(16_385) } }, 'spec.command.run'],
    [{ command: { run: 'a', shell: 'b' } }, 'spec.command.shell'],
    [{ command: { run: 'a', timeoutSeconds: 0 } }, 'spec.command.timeoutSeconds'],
    [{ command: { run: 'a', timeoutSeconds: 3_601 } }, 'spec.command.timeoutSeconds'],
    [{ command: { run: 'a', timeoutSeconds: Number.NaN } }, 'spec.command.timeoutSeconds'],
    [{ command: { run: 'a', expectExit: -1 } }, 'spec.command.expectExit'],
    [{ command: { run: 'a', expectExit: 256 } }, 'spec.command.expectExit'],
    [{ command: { run: 'a', protect: 'tests' } }, 'spec.command.protect'],
    [{ command: { run: 'a', protect: ['ok', '../x'] } }, 'spec.command.protect.1'],
    [{ file: { path: 'a' } }, 'spec.file'],
    [{ file: { path: 'a', exists: true, matches: 'b' } }, 'spec.file'],
    [{ file: { path: '', exists: true } }, 'spec.file.path'],
    [{ file: { path: '/etc/passwd', exists: true } }, 'spec.file.path'],
    [{ file: { path: '/workspace', exists: true } }, 'spec.file.path'],
    [{ file: { path: '/workspace/../etc/passwd', exists: true } }, 'spec.file.path'],
    [{ file: { path: 'a/../../b', exists: true } }, 'spec.file.path'],
    [{ file: { path: 'a', exists: 'yes' } }, 'spec.file.exists'],
    [{ file: { path: 'a', matches: '(?=x)' } }, 'spec.file.matches'],
    [{ file: { path: 'a', matches: '(a)\\1' } }, 'spec.file.matches'],
    [{ file: { path: 'a', jsonSchema: 'object' } }, 'spec.file.jsonSchema'],
    [{ file: { path: 'a', jsonSchema: [] } }, 'spec.file.jsonSchema'],
    [{ file: { path: 'a', jsonSchema: { $ref: 'https://example.com/schema' } } }, 'spec.file.jsonSchema.$ref'],
    [{ file: { path: 'a', jsonSchema: { properties: { const: { $ref: 'file:///etc' } } } } }, 'spec.file.jsonSchema.properties.const.$ref'],
    [{ file: { path: 'a', jsonSchema: { allOf: [{ pattern: '(?!x)' }] } } }, 'spec.file.jsonSchema.allOf.0.pattern'],
    [{ file: { path: 'a', jsonSchema: { patternProperties: { '(?!x)': {} } } } }, 'spec.file.jsonSchema.patternProperties.(?!x)'],
    [{ file: { path: 'a', jsonSchema: { enum: ['a'.repeat(70_000)] } } }, 'spec.file.jsonSchema'],
    [{ unchanged: {} }, 'spec.unchanged.paths'],
    [{ unchanged: { paths: [] } }, 'spec.unchanged.paths'],
    [{ unchanged: { paths: Array(101).fill('a') } }, 'spec.unchanged.paths'],
    [{ unchanged: { paths: [7] } }, 'spec.unchanged.paths.0'],
    [{ rubric: { rubric: '' } }, 'spec.rubric.rubric'],
    [{ rubric: { rubric: 'a'.repeat(32_769) } }, 'spec.rubric.rubric'],
    [{ rubric: { rubric: 'a', model: 'gpt-2' } }, 'spec.rubric.model'],
  ])('refuses %j and names the field', (input, field) => {
    expect(refusedField(input)).toBe(field)
  })

  it('refuses a schema nested without end, in schemas and in data', () => {
    const nest = (key: string) => Array.from({ length: 5_000 }).reduce<unknown>((inner) => ({ [key]: inner }), {})
    expect(refusedField({ file: { path: 'a', jsonSchema: nest('not') } })).toMatch(/^spec\.file\.jsonSchema\.not/)
    expect(refusedField({ file: { path: 'a', jsonSchema: { const: nest('x') } } })).toBe('spec.file.jsonSchema.const')
  })

  it('answers anything at all with a spec or with BAD_USER_INPUT, and reads its own specs back as they are', () => {
    const name = fc.constantFrom('command', 'file', 'unchanged', 'rubric', 'approval', '__proto__')
    const key = fc.constantFrom('run', 'path', 'paths', 'rubric', 'matches', 'exists', 'jsonSchema', 'timeoutSeconds', 'protect', 'model')
    const value = fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.array(fc.string()), fc.jsonValue())
    fc.assert(
      fc.property(fc.dictionary(name, fc.dictionary(key, value), { maxKeys: 2 }), (input) => {
        let parsed: ReturnType<typeof parse>
        try {
          parsed = parse(input)
        } catch (error) {
          expect(error).toBeInstanceOf(PlatformError)
          expect((error as PlatformError).code).toBe('BAD_USER_INPUT')
          return
        }
        expect(parse({ [parsed.kind.toLowerCase()]: JSON.parse(JSON.stringify(parsed.spec)) })).toEqual(parsed)
      }),
      { numRuns: 500 },
    )
  })
})
