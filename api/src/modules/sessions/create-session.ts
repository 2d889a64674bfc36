import { refuseBadLimit } from '@longhaul/core/src/budgets/set-budget.ts'
import { notFound } from '@longhaul/core/src/errors.ts'
import { createSession } from '@longhaul/core/src/sessions/create-session.ts'
import { MAX_MESSAGE_BYTES } from '@longhaul/core/src/sessions/send-message.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { CreateSessionInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, isId, label, longText, optional, parseInput, wholeNumber } from '../../graphql/parse-input.ts'
import { parseConditions } from '../conditions/parse-conditions.ts'
import { metadata } from './metadata.ts'
import { parseResources, resolveResources } from './parse-resources.ts'

const DEFAULT_MAX_EVALUATIONS = 10

const input = z.object({
  title: optional(label()),
  prompt: longText(MAX_MESSAGE_BYTES),
  maxEvaluations: optional(wholeNumber(1, 1_000)),
  metadata,
  idempotencyKey,
})

/** The input is checked as a whole, then branches are resolved, then all is made in one transaction. */
export const createSessionMutation = async (_: unknown, args: { input: CreateSessionInput }, context: RequestContext) => {
  const caller = context.caller('MEMBER')
  const { agentId, environmentId, budgetUsd = null } = args.input
  const { idempotencyKey: key, ...parsed } = parseInput(input, args.input)
  if (!isId(agentId)) throw notFound('agent', agentId)
  if (!isId(environmentId)) throw notFound('environment', environmentId)
  if (budgetUsd !== null) refuseBadLimit(budgetUsd, 'input.budgetUsd')
  const conditions = parseConditions(args.input.doneConditions ?? [], 'input.doneConditions')
  const resources = parseResources(args.input.resources ?? [], 'input.resources')
  const { idempotencyKey: __, ...asked } = args.input

  const { answer } = await answerOnce<{ sessionId: string }>(
    context.parts.db,
    { scope: caller.tenantId, mutation: 'createSession', key, input: asked },
    async (keep) =>
      createSession(
        context.parts,
        caller,
        {
          agentId,
          environmentId,
          title: parsed.title,
          prompt: parsed.prompt,
          conditions,
          budgetNanos: budgetUsd,
          maxEvaluations: parsed.maxEvaluations ?? DEFAULT_MAX_EVALUATIONS,
          resources: await resolveResources(resources, context.parts.git),
          metadata: parsed.metadata ?? {},
        },
        (client, sessionId) => keep(client, { sessionId }),
      ),
  )
  return { session: { id: answer.sessionId, tenantId: caller.tenantId } }
}
