import { refuseBadLimit } from '@longhaul/core/src/budgets/set-budget.ts'
import { badInput, notFound } from '@longhaul/core/src/errors.ts'
import { type Fork, forkSession } from '@longhaul/core/src/forks/fork-session.ts'
import { MAX_MESSAGE_BYTES } from '@longhaul/core/src/sessions/send-message.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { ForkInput, ForkSessionInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, isId, label, longText, optional, parseInput } from '../../graphql/parse-input.ts'

/** Each is a turn that is due at once, and all are made in one transaction. */
const MAX_FORKS = 20

const input = z.object({ idempotencyKey })
const forkInput = z.object({ title: optional(label()), prompt: optional(longText(MAX_MESSAGE_BYTES)) })

export const forkSessionMutation = async (_: unknown, args: { input: ForkSessionInput }, context: RequestContext) => {
  const caller = context.caller('MEMBER')
  const { checkpointId } = args.input
  if (!isId(checkpointId)) throw notFound('checkpoint', checkpointId)
  if (args.input.forks.length < 1 || args.input.forks.length > MAX_FORKS) throw badInput('input.forks', `1 to ${MAX_FORKS} forks`)
  const { idempotencyKey: key } = parseInput(input, args.input)
  const forks = args.input.forks.map(parseFork)
  const { answer } = await answerOnce<{ sessionIds: string }>(
    context.parts.db,
    { scope: caller.tenantId, mutation: 'forkSession', key, input: { checkpointId, forks } },
    async (keep) => {
      const made = await forkSession(context.parts, caller, { checkpointId, forks }, (client, ids) =>
        keep(client, { sessionIds: ids.join(' ') }),
      )
      return { sessionIds: made.sessionIds.join(' ') }
    },
  )
  return { sessions: answer.sessionIds.split(' ').map((id) => ({ id, tenantId: caller.tenantId })) }
}

const parseFork = (fork: ForkInput, index: number): Fork => {
  const field = `input.forks.${index}`
  const { title, prompt } = parseInput(forkInput, fork, field)
  const { agentId = null, budgetUsd = null } = fork
  if (agentId !== null && !isId(agentId)) throw notFound('agent', agentId)
  if (budgetUsd !== null) refuseBadLimit(budgetUsd, `${field}.budgetUsd`)
  return { title, prompt, agentId, budgetNanos: budgetUsd }
}
