import { rewindSession } from '@longhaul/core/src/checkpoints/rewind-session.ts'
import { notFound } from '@longhaul/core/src/errors.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { RewindSessionInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, isId, parseInput } from '../../graphql/parse-input.ts'
import { checkSessionId } from '../sessions/act.ts'

const input = z.object({ idempotencyKey })

export const rewindSessionMutation = async (_: unknown, args: { input: RewindSessionInput }, context: RequestContext) => {
  const caller = context.caller('MEMBER')
  const { checkpointId, axis = 'BOTH' } = args.input
  if (!isId(checkpointId)) throw notFound('checkpoint', checkpointId)
  const sessionId = args.input.sessionId == null ? null : checkSessionId(args.input.sessionId)
  const { idempotencyKey: key } = parseInput(input, args.input)
  const rewind = { checkpointId, sessionId, axis }
  const { answer } = await answerOnce<{ sessionId: string }>(
    context.parts.db,
    { scope: caller.tenantId, mutation: 'rewindSession', key, input: rewind },
    (keep) => rewindSession(context.parts, caller, rewind, (client, id) => keep(client, { sessionId: id })),
  )
  return { session: { id: answer.sessionId, tenantId: caller.tenantId } }
}
