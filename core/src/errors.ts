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

/** Larger than a limit allows: BAD_USER_INPUT, which over plain HTTP is a 413. */
export class TooLargeError extends PlatformError {
  constructor(field: string, reason: string) {
    super('BAD_USER_INPUT', `${field} must be ${reason}.`, { field, reason })
  }
}

export const conflict = (message: string, status: string): PlatformError => new PlatformError('CONFLICT', message, { status })

/** SQLSTATE classes (53: no connection, disk or memory left), system errors and Prisma's codes that mean "no database", as opposed to "no". */
const CONNECTION_CODES =
  /^(08...|57P0.|53...|ECONN.*|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|P1001|P1002|P1008|P1017|P2024|P2037)$/
/** How Prisma's driver adapter names them. */
const CONNECTION_KINDS = new Set(['ConnectionClosed', 'DatabaseNotReachable', 'SocketTimeout', 'TooManyConnections'])
const CONNECTION_MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|terminating connection|can't reach database server|connection is closed|closed the connection|cannot use a pool after calling end|client has encountered a connection error/i

/** Whether a failure means that the database can't be reached, or has no room: the caller should come again, UNAVAILABLE. */
export const isDatabaseUnreachable = (error: unknown): boolean => {
  for (let cause: unknown = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 6; depth++) {
    const {
      code,
      kind,
      message,
      errors,
      meta,
      cause: deeper,
    } = cause as Partial<Record<'code' | 'kind' | 'message' | 'errors' | 'meta' | 'cause', unknown>>
    if (typeof code === 'string' && CONNECTION_CODES.test(code)) return true
    if (typeof kind === 'string' && CONNECTION_KINDS.has(kind)) return true
    if (typeof message === 'string' && CONNECTION_MESSAGES.test(message)) return true
    if (Array.isArray(errors) && errors.some(isDatabaseUnreachable)) return true
    cause = deeper ?? (meta as { driverAdapterError?: unknown } | undefined)?.driverAdapterError
  }
  return false
}
