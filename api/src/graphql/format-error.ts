import { randomUUID } from 'node:crypto'
import { type ErrorExtensions, isDatabaseUnreachable, PlatformError } from '@longhaul/core/src/errors.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'

/** What parsing, validation and coercion call a caller's mistake; the socket's side has no code at all. */
const CALLERS_MISTAKES = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_SUPPORTED',
])

/** graphql-js's words for a value that does not fit: with its path, without one, and for one that is missing. */
const BAD_VALUE_AT = /^Variable "\$\w+" got invalid value [\s\S]* at "([\w.[\]]+)"; ([\s\S]*)$/
const BAD_VALUE = /^Variable "\$(\w+)" got invalid value [\s\S]*; ([\s\S]*)$/
const MISSING_VALUE = /^Variable "\$(\w+)" ([\s\S]*)$/

/**
 * One error as a client sees it: a code of the closed list, a sentence, never a stack or SQL. What nobody meant to throw becomes
 * INTERNAL with an id under which our log has the rest.
 */
export const formatError = (error: unknown, logger: Logger): GraphQLFormattedError => {
  const cause = toCause(error)
  const where =
    error instanceof GraphQLError
      ? { ...(error.path ? { path: error.path } : {}), ...(error.locations ? { locations: error.locations } : {}) }
      : {}
  const answer = (code: string, message: string, extensions: ErrorExtensions = {}): GraphQLFormattedError => ({
    message,
    ...where,
    extensions: { code, ...extensions },
  })

  if (cause instanceof PlatformError) return answer(cause.code, cause.message, cause.extensions)
  if (isDatabaseUnreachable(cause)) {
    logger.warn({ err: cause }, 'the database can not be reached, or has no room')
    return answer('UNAVAILABLE', 'The database can not be reached, or has no room. Try again, with the same idempotencyKey.')
  }
  if (isCallersMistake(cause)) return answer('BAD_USER_INPUT', cause.message, describeMistake(cause))
  const errorId = randomUUID()
  logger.error({ err: cause, errorId }, 'a request failed')
  return answer('INTERNAL', `Something went wrong on our side. Our log has it as ${errorId}.`, { errorId })
}

/** The error that was thrown, below what graphql-js wraps around it. A coercion error wraps another GraphQLError, and says more. */
const toCause = (error: unknown): unknown => {
  let cause = error
  while (cause instanceof GraphQLError && cause.originalError && !(cause.originalError instanceof GraphQLError)) cause = cause.originalError
  return cause
}

/** An error with a path was raised while resolving; of those only arguments that don't fit are the caller's. */
const isCallersMistake = (error: unknown): error is GraphQLError => {
  if (!(error instanceof GraphQLError)) return false
  const code = error.extensions['code']
  if (typeof code === 'string' && code !== 'INTERNAL_SERVER_ERROR') return CALLERS_MISTAKES.has(code)
  return error.path === undefined || /^(Argument|Variable) "/.test(error.message)
}

const describeMistake = ({ message }: GraphQLError): ErrorExtensions => {
  const [, path, reason] = BAD_VALUE_AT.exec(message) ?? BAD_VALUE.exec(message) ?? MISSING_VALUE.exec(message) ?? []
  if (path === undefined) return { field: 'query', reason: message }
  return { field: path.replace(/\[(\d+)\]/g, '.$1'), reason: reason ?? message }
}
