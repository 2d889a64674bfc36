/**
 * Runs in a thread of its own, which match-in-thread.ts ends when it takes too long: a tenant's pattern or schema over a file that an
 * agent wrote. Schemas are interpreted, never compiled to code.
 */
import { parentPort } from 'node:worker_threads'
import { type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema'
import { RE2JS } from 're2js'
import type { MatchJob, MatchReply } from './match-in-thread.ts'

const MAX_REASONS = 10

/** Patterns inside a schema are RE2 too. In this thread the validator alone makes a RegExp from a text. */
class LinearRegExp {
  readonly #pattern: RE2JS
  constructor(pattern: string) {
    this.#pattern = RE2JS.compile(pattern)
  }
  test(text: string): boolean {
    return this.#pattern.matcher(text).find()
  }
}
globalThis.RegExp = LinearRegExp as unknown as RegExpConstructor

const match = (job: MatchJob): MatchReply => {
  if (job.kind === 'pattern') {
    return RE2JS.compile(job.pattern).matcher(new TextDecoder().decode(job.bytes)).find() ? { holds: true } : { holds: false, reasons: [] }
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(job.bytes))
  } catch (error) {
    return { holds: false, reasons: [`it is not JSON: ${messageOf(error)}`] }
  }
  const { valid, errors } = new Validator(job.schema as Schema | boolean, draftOf(job.schema), false).validate(value)
  // The last errors are the innermost: what is wrong where. The others only say that a part does not hold.
  const leaves = errors.filter(({ keyword }) => !OUTER.has(keyword))
  return valid
    ? { holds: true }
    : {
        holds: false,
        reasons: (leaves.length > 0 ? leaves : errors)
          .slice(0, MAX_REASONS)
          .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`),
      }
}

const OUTER = new Set([
  'properties',
  'items',
  'prefixItems',
  'additionalProperties',
  'patternProperties',
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  'then',
  'else',
])

const draftOf = (schema: unknown): SchemaDraft => {
  const named = typeof schema === 'object' && schema !== null && '$schema' in schema ? String(schema.$schema) : ''
  if (named.includes('draft-04')) return '4'
  if (named.includes('draft-06') || named.includes('draft-07')) return '7'
  return named.includes('2019-09') ? '2019-09' : '2020-12'
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300)

const answer = (job: MatchJob): MatchReply => {
  try {
    return match(job)
  } catch (error) {
    // A stack that ran out is the file's nesting under a recursive schema, not a broken check.
    return error instanceof RangeError ? { holds: false, reasons: ['it is nested too deeply to be checked'] } : { broken: messageOf(error) }
  }
}

parentPort?.on('message', (job: MatchJob) => parentPort?.postMessage(answer(job)))
parentPort?.postMessage('ready')
