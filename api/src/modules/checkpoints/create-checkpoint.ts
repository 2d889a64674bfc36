import { awaitCheckpoint, createCheckpoint } from '@longhaul/core/src/checkpoints/create-checkpoint.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { CreateCheckpointInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, label, optional, parseInput } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { checkSessionId } from '../sessions/act.ts'

const input = z.object({ label: optional(label()), idempotencyKey })

/** The wish is kept with the key; a repeated call waits for the same checkpoint. */
export const createCheckpointMutation = async (_: unknown, args: { input: CreateCheckpointInput }, context: RequestContext) => {
  const caller = context.caller('MEMBER')
  const sessionId = checkSessionId(args.input.sessionId)
  const { idempotencyKey: key, label: name } = parseInput(input, args.input)
  const { answer } = await answerOnce<{ checkpointId: string }>(
    context.parts.db,
    { scope: caller.tenantId, mutation: 'createCheckpoint', key, input: { sessionId, label: name } },
    (keep) => createCheckpoint(context.parts, caller, { sessionId, label: name }, (client, checkpointId) => keep(client, { checkpointId })),
  )
  await awaitCheckpoint(context.parts, { tenantId: caller.tenantId, checkpointId: answer.checkpointId })
  return { checkpoint: await loadOne(context.tenant(caller.tenantId).load.checkpoint, 'checkpoint', answer.checkpointId) }
}
