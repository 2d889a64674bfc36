import { TooLargeError } from '@longhaul/core/src/errors.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { FastifyReply } from 'fastify'
import { formatError } from '../graphql/format-error.ts'

const STATUSES: Record<string, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  BAD_USER_INPUT: 422,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
}

/** A refusal over plain HTTP: the codes and words of GraphQL's errors, flat, under the status that fits. */
export const answerRefusal = (reply: FastifyReply, error: unknown, logger: Logger, status?: number): FastifyReply => {
  const { message, extensions } = formatError(error, logger)
  const code = String(extensions?.['code'])
  const retryAfterMs = extensions?.['retryAfterMs']
  if (typeof retryAfterMs === 'number') reply.header('retry-after', String(Math.ceil(retryAfterMs / 1_000)))
  if (code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer')
  return reply
    .code(status ?? (error as { httpStatus?: number }).httpStatus ?? (error instanceof TooLargeError ? 413 : (STATUSES[code] ?? 500)))
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send({ ...extensions, code, message })
}
