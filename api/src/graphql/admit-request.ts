import { badInput } from '@longhaul/core/src/errors.ts'
import { type DocumentNode, GraphQLError, type GraphQLSchema, getOperationAST, parse, validate } from 'graphql'
import { LIMITS } from './limits.ts'
import { refuseLargeDocument } from './measure-document.ts'

/** A request as it came, over HTTP or a socket. */
export type GraphQLRequest = { query?: unknown; variables?: unknown; operationName?: unknown; extensions?: unknown }
export type Admitted = {
  document: DocumentNode
  variables: Record<string, unknown>
  operationName: string | null
  operation: 'query' | 'mutation' | 'subscription'
}
export type Admission = (request: unknown) => Admitted

/** Documents that were parsed and found valid; clients repeat theirs. */
const MAX_KNOWN = 1_000

/**
 * The one gate for both doors: shape, size, tokens, depth, aliases, directives, cost, then validity. Throws BAD_USER_INPUT or a
 * GraphQLError. What it lets through may be executed.
 */
export const createAdmission = (schema: GraphQLSchema): Admission => {
  const known = new Map<string, DocumentNode>()

  const read = (query: string, variables: Record<string, unknown>): DocumentNode => {
    const found = known.get(query)
    if (found !== undefined) {
      // Its cost depends on the variables.
      refuseLargeDocument(schema, found, variables)
      return found
    }
    const document = parse(query, { maxTokens: LIMITS.tokens })
    refuseLargeDocument(schema, document, variables)
    const [error] = validate(schema, document, undefined, { maxErrors: 10 })
    if (error !== undefined) throw error
    if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value as string)
    known.set(query, document)
    return document
  }

  return (request) => {
    if (Array.isArray(request)) throw badInput('body', 'one operation: batches are not accepted')
    if (request === null || typeof request !== 'object') throw badInput('body', 'a JSON object with the key query')
    const { query, variables = null, operationName = null, extensions = null } = request as GraphQLRequest
    if (typeof query !== 'string' || query === '') throw badInput('query', 'a GraphQL document')
    if (Buffer.byteLength(query) > LIMITS.queryBytes)
      throw badInput('query', `at most ${LIMITS.queryBytes} bytes; values belong in variables`)
    if (variables !== null && !isRecord(variables)) throw badInput('variables', 'an object')
    if (operationName !== null && typeof operationName !== 'string') throw badInput('operationName', 'a string')
    if (extensions !== null && !isRecord(extensions)) throw badInput('extensions', 'an object')
    const document = read(query, variables ?? {})
    const operation = getOperationAST(document, operationName)
    if (!operation) throw badInput('operationName', 'the name of one operation of the document')
    return { document, variables: variables ?? {}, operationName, operation: operation.operation }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** For a door that cannot throw: the error that `admit` would throw, as GraphQL has it. */
export const toGraphQLError = (error: unknown): GraphQLError =>
  error instanceof GraphQLError
    ? error
    : new GraphQLError(error instanceof Error ? error.message : String(error), { originalError: error instanceof Error ? error : null })
