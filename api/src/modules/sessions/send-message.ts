import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { SendMessageInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, parseInput } from '../../graphql/parse-input.ts'
import type { SessionRow } from '../parents.ts'
import { checkSessionId } from './act.ts'

const input = z.object({ idempotencyKey })

export const sendMessageMutation = async (_: unknown, args: { input: SendMessageInput }, context: RequestContext) => {
  const caller = context.caller('MEMBER')
  const { sessionId, text, mode = 'QUEUE' } = args.input
  const { idempotencyKey: key } = parseInput(input, args.input)
  // The row comes with the answer: a client that asks for the session's status costs no further look.
  let row: SessionRow | null = null
  const { answer } = await answerOnce<{ sessionId: string; seq: number }>(
    context.parts.db,
    { scope: caller.tenantId, mutation: 'sendMessage', key, input: { sessionId, text, mode } },
    async (_, kept) => {
      const keep = kept === null ? null : { ...kept, answer: { sessionId } }
      const sent = await sendMessage(context.parts, caller, { sessionId: checkSessionId(sessionId), text, mode }, keep)
      row = sent.session as SessionRow
      return { sessionId, seq: sent.seq }
    },
  )
  const { tenantId } = caller
  return { event: { tenantId, sessionId, seq: answer.seq }, session: { id: sessionId, tenantId, ...(row === null ? {} : { row }) } }
}
