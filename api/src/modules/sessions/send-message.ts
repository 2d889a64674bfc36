import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { SendMessageInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, parseInput } from '../../graphql/parse-input.ts'
import { checkSessionId } from './act.ts'

const input = z.object({ idempotencyKey })

export const sendMessageMutation = async (_: unknown, args: { input: SendMessageInput }, context: RequestContext) => {
  const caller = context.caller('MEMBER')
  const { sessionId, text, mode = 'QUEUE' } = args.input
  const { idempotencyKey: key } = parseInput(input, args.input)
  const { answer } = await answerOnce<{ sessionId: string; seq: number }>(
    context.parts.db,
    { scope: caller.tenantId, mutation: 'sendMessage', key, input: { sessionId, text, mode } },
    (_, kept) =>
      sendMessage(
        context.parts,
        caller,
        { sessionId: checkSessionId(sessionId), text, mode },
        kept === null ? null : { ...kept, answer: { sessionId } },
      ),
  )
  const { tenantId } = caller
  return { event: { tenantId, sessionId, seq: answer.seq }, session: { id: sessionId, tenantId } }
}
