/**
 * What a caller can be told. A PlatformError is for failures that the caller can mend; anything else that is thrown is our own
 * mistake and reaches nobody but our log. Messages say what happened, to which id, and what to do; they never hold a secret.
 */
export const ERROR_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'CONFLICT',
  'BUDGET_EXCEEDED',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'INTERNAL',
] as const

/** Closed: clients switch on it. Meanings stand at the head of the public schema. */
export type ErrorCode = (typeof ERROR_CODES)[number]

export type ErrorExtensions = {
  /** BAD_USER_INPUT: the path of the input, such as `input.doneConditions.0.spec.command.run`. */
  field?: string
  /** BAD_USER_INPUT: what would be accepted. */
  reason?: string
  /** CONFLICT: the state that stands in the way. */
  status?: string
  /** BUDGET_EXCEEDED: the cap that is reached. */
  budgetId?: string
  /** RATE_LIMITED: when to try again. */
  retryAfterMs?: number
  /** INTERNAL: finds the failure in our log. */
  errorId?: string
}

export class PlatformError extends Error {
  readonly code: ErrorCode
  readonly extensions: ErrorExtensions

  constructor(code: ErrorCode, message: string, extensions: ErrorExtensions = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PlatformError'
    this.code = code
    this.extensions = extensions
  }
}

/** Missing, or another tenant's: the same answer (invariant 11). */
export const notFound = (what: string, id: string): PlatformError => new PlatformError('NOT_FOUND', `There is no ${what} ${id}.`)

/** `reason` completes the sentence "<field> must be …" and says what would be accepted. */
export const badInput = (field: string, reason: string): PlatformError =>
  new PlatformError('BAD_USER_INPUT', `${field} must be ${reason}.`, { field, reason })

export const conflict = (message: string, status: string): PlatformError => new PlatformError('CONFLICT', message, { status })

/** SQLSTATE classes and system errors that mean "no database", as opposed to "the database says no". */
const CONNECTION_CODES = /^(08|57P0|53300|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENOENT)/
const CONNECTION_MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|terminating connection|can't reach database server|connection is closed|server closed the connection|cannot use a pool after calling end/i

/** Whether a failure means that the database can't be reached, so that the caller should come again: UNAVAILABLE. */
export const isDatabaseUnreachable = (error: unknown): boolean => {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const { code, meta } = cause as { code?: unknown; meta?: { driverAdapterError?: unknown } }
    if (typeof code === 'string' && (CONNECTION_CODES.test(code) || code === 'P1001' || code === 'P2024')) return true
    if (CONNECTION_MESSAGES.test(cause.message)) return true
    if (cause instanceof AggregateError && cause.errors.some(isDatabaseUnreachable)) return true
    if (meta?.driverAdapterError !== undefined && isDatabaseUnreachable(meta.driverAdapterError)) return true
  }
  return false
}
