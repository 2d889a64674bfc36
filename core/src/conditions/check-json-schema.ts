import { badInput } from '../errors.ts'
import { checkPattern } from './check-pattern.ts'

const MAX_SCHEMA_BYTES = 64 * 1024
const MAX_DEPTH = 64

const TYPES = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']

/** Their values are data: a `$ref` in there refers to nothing. */
const DATA_KEYWORDS = new Set(['const', 'enum', 'default', 'examples'])
/** Their keys are names of properties, which may be called like keywords. */
const NAMED_KEYWORDS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'])

/**
 * Bounds a tenant's JSON Schema before it is stored: size, depth, patterns in RE2 syntax, and references only within itself, so that
 * checking a file can fetch nothing. Returns the schema. What a schema means is found out only when a file is checked.
 */
export const checkJsonSchema = (schema: unknown, field: string): unknown => {
  if (typeof schema !== 'boolean' && !isObject(schema)) throw badInput(field, 'a JSON Schema: an object, true or false')
  checkNode(schema, { field, depth: 0 })
  if (Buffer.byteLength(JSON.stringify(schema)) > MAX_SCHEMA_BYTES)
    throw badInput(field, `a JSON Schema of at most ${MAX_SCHEMA_BYTES} bytes`)
  return schema
}

const checkNode = (node: unknown, at: { field: string; depth: number }): void => {
  if (at.depth > MAX_DEPTH) throw badInput(at.field, `nested at most ${MAX_DEPTH} deep`)
  if (Array.isArray(node)) {
    for (const [index, item] of node.entries()) checkNode(item, below(at, index))
  } else if (isObject(node)) {
    for (const [key, value] of Object.entries(node)) checkKeyword(key, value, below(at, key))
  }
}

const checkKeyword = (key: string, value: unknown, at: { field: string; depth: number }): void => {
  if (key === 'pattern' && typeof value === 'string') checkPattern(value, at.field)
  if (/^\$(ref|dynamicRef|recursiveRef)$/.test(key) && typeof value === 'string' && !value.startsWith('#')) {
    throw badInput(at.field, 'a reference within the schema, beginning with #: nothing is fetched')
  }
  if (key === 'type' && ![value].flat().every((type) => TYPES.includes(String(type))))
    throw badInput(at.field, `one or more of ${TYPES.join(', ')}`)
  if (key === '$id' && typeof value === 'string' && !URL.canParse(value)) throw badInput(at.field, 'an absolute URL, or left out')
  if (DATA_KEYWORDS.has(key)) checkDepth(value, at)
  else if (NAMED_KEYWORDS.has(key) && isObject(value)) checkNamed(key, value, at)
  else checkNode(value, at)
}

const checkNamed = (key: string, schemas: Record<string, unknown>, at: { field: string; depth: number }): void => {
  for (const [name, schema] of Object.entries(schemas)) {
    if (key === 'patternProperties') checkPattern(name, below(at, name).field)
    checkNode(schema, below(at, name))
  }
}

const checkDepth = (value: unknown, at: { field: string; depth: number }): void => {
  if (at.depth > MAX_DEPTH) throw badInput(at.field, `nested at most ${MAX_DEPTH} deep`)
  if (typeof value !== 'object' || value === null) return
  for (const item of Object.values(value)) checkDepth(item, { ...at, depth: at.depth + 1 })
}

const below = ({ field, depth }: { field: string; depth: number }, key: string | number) => ({ field: `${field}.${key}`, depth: depth + 1 })

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
