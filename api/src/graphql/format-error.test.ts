import { PlatformError } from '@longhaul/core/src/errors.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { buildSchema, execute, GraphQLError, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { formatError } from './format-error.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const schema = buildSchema('type Query { a(input: In!): Int! } input In { items: [Item!] } input Item { n: Int! }')
const run = async (query: string, variableValues: Record<string, unknown>, a: () => unknown = () => 1) => {
  const { errors = [] } = await execute({ schema, document: parse(query), variableValues, rootValue: { a } })
  return errors.map((error) => formatError(error, logger))
}
const QUERY = 'query ($input: In!) { a(input: $input) }'

test('a variable that does not fit is named by its path', async () => {
  const [error] = await run(QUERY, { input: { items: [{ n: 1 }, { n: 'x' }] } })
  expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.items.1.n', reason: expect.stringContaining('Int') })
})

test('a variable that is missing is named', async () => {
  const [error] = await run(QUERY, {})
  expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input', reason: expect.stringContaining('required') })
})

test("a document that is not valid is the caller's mistake", () => {
  const [error] = validate(schema, parse('{ b }'))
  expect(formatError(error, logger).extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'query' })
})

test('what can be mended keeps its code and says where', async () => {
  const [error] = await run(QUERY, { input: {} }, () => {
    throw new PlatformError('CONFLICT', 'It is taken.', { status: 'TAKEN' })
  })
  expect(error).toMatchObject({ message: 'It is taken.', path: ['a'], extensions: { code: 'CONFLICT', status: 'TAKEN' } })
})

test('what nobody meant to throw says nothing but its id', async () => {
  const [error] = await run(QUERY, { input: {} }, () => {
    throw new Error('select secret from table')
  })
  expect(error?.extensions).toEqual({ code: 'INTERNAL', errorId: expect.any(String) })
  expect(JSON.stringify(error)).not.toContain('secret')
})

test('a null where the schema allows none is ours', async () => {
  const [error] = await run(QUERY, { input: {} }, () => null)
  expect(error?.extensions?.['code']).toBe('INTERNAL')
})

test.each([
  Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
  Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' }),
])('no database is UNAVAILABLE', (cause) => {
  expect(formatError(new GraphQLError('x', { originalError: cause, path: ['a'] }), logger).extensions).toEqual({ code: 'UNAVAILABLE' })
})
