/**
 * Owns what a done-condition is: its spec as people write it and as it is stored, the manifest it is judged on, and how open
 * conditions are read. Must never evaluate one: that is the worker's, outside the agent's reach (invariant 8).
 */
import { isPricedModel, pricedModelNames } from '../budgets/prices.ts'
import { badInput } from '../errors.ts'
import { checkJsonSchema } from './check-json-schema.ts'
import { checkPattern } from './check-pattern.ts'

/** `run` is a shell script; `protect` are globs below /workspace. */
export type CommandSpec = { run: string; timeoutSeconds: number; expectExit: number; protect: string[] }
/** Exactly one of the three beside `path`. `matches` is RE2, found anywhere in the file. */
export type FileSpec = { path: string } & ({ exists: boolean } | { matches: string } | { jsonSchema: unknown })
export type UnchangedSpec = { paths: string[] }
/** `model: null`: the agent's judge model, or the platform's. */
export type RubricSpec = { rubric: string; model: string | null }

export type ConditionSpec =
  | { kind: 'COMMAND'; spec: CommandSpec }
  | { kind: 'FILE'; spec: FileSpec }
  | { kind: 'UNCHANGED'; spec: UnchangedSpec }
  | { kind: 'RUBRIC'; spec: RubricSpec }

const MAX_RUN_BYTES = 16 * 1024
const MAX_RUBRIC_BYTES = 32 * 1024
const MAX_TIMEOUT_SECONDS = 3_600
const MAX_GLOBS = 100
const MAX_PATH_BYTES = 1_024

/**
 * Reads a `ConditionSpecInput` of the public schema and fills in its defaults. Throws BAD_USER_INPUT that names the field (`field` is the
 * path of the input itself) and what would be accepted (invariant 13).
 */
export const parseConditionSpec = (input: unknown, field: string): ConditionSpec => {
  const given = Object.entries(toObject(input, field)).filter(([, value]) => value !== undefined && value !== null)
  const [name, inner] = given[0] ?? []
  if (given.length !== 1 || name === undefined) throw badInput(field, 'an object with exactly one of command, file, unchanged and rubric')
  const at = `${field}.${name}`
  switch (name) {
    case 'command':
      return { kind: 'COMMAND', spec: parseCommand(toObject(inner, at), at) }
    case 'file':
      return { kind: 'FILE', spec: parseFile(toObject(inner, at), at) }
    case 'unchanged':
      return { kind: 'UNCHANGED', spec: parseUnchanged(toObject(inner, at), at) }
    case 'rubric':
      return { kind: 'RUBRIC', spec: parseRubric(toObject(inner, at), at) }
    default:
      throw badInput(at, 'left out: the conditions of this release are command, file, unchanged and rubric')
  }
}

type Fields = Record<string, unknown>

const parseCommand = (input: Fields, field: string): CommandSpec => {
  refuseOthers(input, field, ['run', 'timeoutSeconds', 'expectExit', 'protect'])
  return {
    run: toText(input['run'], `${field}.run`, { maxBytes: MAX_RUN_BYTES, what: 'a shell command' }),
    timeoutSeconds: toWhole(input['timeoutSeconds'] ?? 600, `${field}.timeoutSeconds`, { min: 1, max: MAX_TIMEOUT_SECONDS }),
    expectExit: toWhole(input['expectExit'] ?? 0, `${field}.expectExit`, { min: 0, max: 255 }),
    protect: toGlobs(input['protect'] ?? [], `${field}.protect`, { min: 0 }),
  }
}

const parseFile = (input: Fields, field: string): FileSpec => {
  refuseOthers(input, field, ['path', 'exists', 'matches', 'jsonSchema'])
  const path = toPath(input['path'], `${field}.path`)
  const tests = ['exists', 'matches', 'jsonSchema'].filter((name) => input[name] !== undefined && input[name] !== null)
  if (tests.length !== 1) throw badInput(field, 'a path with exactly one of exists, matches and jsonSchema')
  if (tests[0] === 'exists') {
    if (typeof input['exists'] !== 'boolean') throw badInput(`${field}.exists`, 'true or false')
    return { path, exists: input['exists'] }
  }
  if (tests[0] === 'matches') return { path, matches: checkPattern(input['matches'], `${field}.matches`) }
  return { path, jsonSchema: checkJsonSchema(input['jsonSchema'], `${field}.jsonSchema`) }
}

const parseUnchanged = (input: Fields, field: string): UnchangedSpec => {
  refuseOthers(input, field, ['paths'])
  return { paths: toGlobs(input['paths'], `${field}.paths`, { min: 1 }) }
}

const parseRubric = (input: Fields, field: string): RubricSpec => {
  refuseOthers(input, field, ['rubric', 'model'])
  const model = input['model'] ?? null
  if (model !== null && (typeof model !== 'string' || !isPricedModel(model))) {
    throw badInput(`${field}.model`, `one of ${pricedModelNames().join(', ')}, or left out`)
  }
  return { rubric: toText(input['rubric'], `${field}.rubric`, { maxBytes: MAX_RUBRIC_BYTES, what: 'a text' }), model }
}

const toObject = (value: unknown, field: string): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badInput(field, 'an object')
  return value as Fields
}

const refuseOthers = (input: Fields, field: string, known: string[]): void => {
  const other = Object.keys(input).find((name) => !known.includes(name))
  if (other !== undefined) throw badInput(`${field}.${other}`, `left out: accepted are ${known.join(', ')}`)
}

const toText = (value: unknown, field: string, { maxBytes, what }: { maxBytes: number; what: string }): string => {
  if (typeof value !== 'string' || value.trim() === '' || Buffer.byteLength(value) > maxBytes || !isClean(value)) {
    throw badInput(field, `${what} of 1 to ${maxBytes} bytes, without NUL`)
  }
  return value
}

const toWhole = (value: unknown, field: string, { min, max }: { min: number; max: number }): number => {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
    throw badInput(field, `a whole number from ${min} to ${max}`)
  return value as number
}

const toGlobs = (value: unknown, field: string, { min }: { min: number }): string[] => {
  if (!Array.isArray(value) || value.length < min || value.length > MAX_GLOBS)
    throw badInput(field, `a list of ${min} to ${MAX_GLOBS} globs`)
  return [...new Set(value.map((glob, index) => toPath(glob, `${field}.${index}`)))]
}

/** Relative to /workspace, whether or not it was written with it. */
const toPath = (value: unknown, field: string): string => {
  const expected = `a path below /workspace of at most ${MAX_PATH_BYTES} bytes, without .. and NUL`
  if (typeof value !== 'string' || Buffer.byteLength(value) > MAX_PATH_BYTES || !isClean(value)) throw badInput(field, expected)
  const below = value.startsWith('/workspace/') ? value.slice('/workspace/'.length) : value
  const names = below.split('/').filter((name) => name !== '' && name !== '.')
  if (below.startsWith('/') || names.length === 0 || names.includes('..')) throw badInput(field, expected)
  return names.join('/')
}

const isClean = (text: string): boolean => text.isWellFormed() && !text.includes('\0')
