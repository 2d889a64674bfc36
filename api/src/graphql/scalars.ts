import { cleanJson } from '@longhaul/core/src/text.ts'
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode, valueFromASTUntyped } from 'graphql'
import { fromUsd, toUsd } from './usd.ts'

const ISO_INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/
const MAX_JSON_DEPTH = 32

export const Usd = new GraphQLScalarType<bigint, string>({
  name: 'Usd',
  serialize: (value) => toUsd(value as bigint, 'up'),
  parseValue: (value) => {
    const nanos = typeof value === 'string' ? fromUsd(value) : null
    if (nanos === null)
      throw new GraphQLError('must be a decimal string in US dollars, not negative, with up to six places, such as "12.50"')
    return nanos
  },
})

export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  serialize: (value) => (value as Date).toISOString(),
  parseValue: (value) => {
    const date = typeof value === 'string' && ISO_INSTANT.test(value) ? new Date(value) : null
    if (date === null || Number.isNaN(date.getTime()))
      throw new GraphQLError('must be an instant in ISO 8601 with a time zone, such as "2026-11-20T12:00:00Z"')
    return date
  },
})

export const JsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  serialize: (value) => value,
  parseValue: (value) => parseJson(value),
  parseLiteral: (node: ValueNode, variables) => {
    refuseProtoLiteral(node)
    return parseJson(valueFromASTUntyped(node, variables))
  },
})

/** NUL and lone surrogates are mended as everywhere at the border. `__proto__` is refused: no honest document has it. */
const parseJson = (value: unknown): unknown => {
  refuseProto(value, 0)
  return cleanJson(value).value
}

const refuseProto = (value: unknown, depth: number): void => {
  if (depth > MAX_JSON_DEPTH) throw new GraphQLError(`must not be nested deeper than ${MAX_JSON_DEPTH}`)
  if (value === null || typeof value !== 'object') return
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') throw new GraphQLError('must not have a key "__proto__"')
    refuseProto(inner, depth + 1)
  }
}

const refuseProtoLiteral = (node: ValueNode): void => {
  if (node.kind === Kind.LIST) for (const item of node.values) refuseProtoLiteral(item)
  if (node.kind !== Kind.OBJECT) return
  for (const field of node.fields) {
    if (field.name.value === '__proto__') throw new GraphQLError('must not have a key "__proto__"')
    refuseProtoLiteral(field.value)
  }
}
