import { createAgent } from '@longhaul/core/src/agents/create-agent.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { CreateAgentInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, label, parseInput } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { judgeModel, model, system, tools } from './agent-fields.ts'

const input = z.object({ name: label(), model, judgeModel, system, tools: tools.transform((grants) => grants ?? []), idempotencyKey })

export const createAgentMutation = async (_: unknown, args: { input: CreateAgentInput }, context: RequestContext) => {
  const { tenantId } = context.caller('ADMIN')
  const { idempotencyKey: key, ...wanted } = parseInput(input, args.input)
  const { answer } = await answerOnce<{ agentId: string }>(
    context.parts.db,
    { scope: tenantId, mutation: 'createAgent', key, input: wanted },
    (keep) => createAgent(context.parts.db, tenantId, wanted, keep),
  )
  return { agent: await loadOne(context.tenant(tenantId).load.agent, 'agent', answer.agentId) }
}
