import { updateAgent } from '@longhaul/core/src/agents/update-agent.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { UpdateAgentInput } from '../../generated/resolver-types.ts'
import { label, optional, parseInput, wholeNumber } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { judgeModel, model, system, tools } from './agent-fields.ts'

const input = z.object({
  id: z.string(),
  expectedVersion: optional(wholeNumber(1, 1_000_000_000)),
  name: optional(label()),
  model: optional(model),
  judgeModel,
  system,
  tools,
})

/** What is left out stays; a null takes a judge model or instructions away. */
export const updateAgentMutation = async (_: unknown, args: { input: UpdateAgentInput }, context: RequestContext) => {
  const { tenantId } = context.caller('ADMIN')
  const { load } = await context.locate('agent', args.input.id)
  const parsed = parseInput(input, args.input)
  await updateAgent(context.parts.db, tenantId, {
    id: parsed.id,
    expectedVersion: parsed.expectedVersion,
    name: parsed.name ?? undefined,
    model: parsed.model ?? undefined,
    judgeModel: args.input.judgeModel === undefined ? undefined : parsed.judgeModel,
    system: args.input.system === undefined ? undefined : parsed.system,
    tools: parsed.tools ?? undefined,
  })
  return { agent: await loadOne(load.agent, 'agent', parsed.id) }
}
