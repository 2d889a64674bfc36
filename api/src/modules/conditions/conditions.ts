import { addCondition } from '@longhaul/core/src/conditions/add-condition.ts'
import { waiveCondition } from '@longhaul/core/src/conditions/waive-condition.ts'
import { evaluateSession } from '@longhaul/core/src/sessions/evaluate-session.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { AddDoneConditionInput, Resolvers, WaiveDoneConditionInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, longText, parseInput } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { act, checkSessionId } from '../sessions/act.ts'
import { parseCondition } from './parse-conditions.ts'

export const conditionResolvers: Resolvers = {
  Mutation: {
    addDoneCondition: addDoneConditionMutation,
    waiveDoneCondition: waiveDoneConditionMutation,
    evaluateSession: (_, { input }, context) =>
      act(context, input, (caller, sessionId) => evaluateSession(context.parts, caller, { sessionId })),
  },
  DoneCondition: {
    lastEvaluation: ({ lastEvaluationId, tenantId }, _, context) =>
      lastEvaluationId === null ? null : context.tenant(tenantId).load.evaluation.load(lastEvaluationId),
  },
  Evaluation: { costUsd: (row) => row.costNanos },
}

const addInput = z.object({ idempotencyKey })
const waiveInput = z.object({ reason: longText(2_000) })

async function addDoneConditionMutation(_: unknown, args: { input: AddDoneConditionInput }, context: RequestContext) {
  const caller = context.caller('MEMBER')
  const sessionId = checkSessionId(args.input.sessionId)
  const { idempotencyKey: key } = parseInput(addInput, args.input)
  const condition = parseCondition(args.input.condition, 'input.condition')
  const { answer } = await answerOnce<{ conditionId: string }>(
    context.parts.db,
    { scope: caller.tenantId, mutation: 'addDoneCondition', key, input: { sessionId, condition } },
    (keep) => addCondition(context.parts, caller, { sessionId, condition }, (client, conditionId) => keep(client, { conditionId })),
  )
  return { doneCondition: await loadOne(context.tenant(caller.tenantId).load.condition, 'done-condition', answer.conditionId) }
}

async function waiveDoneConditionMutation(_: unknown, args: { input: WaiveDoneConditionInput }, context: RequestContext) {
  const caller = context.caller('ADMIN')
  const { load } = await context.locate('done-condition', args.input.id)
  const { reason } = parseInput(waiveInput, args.input)
  const { sessionId } = await loadOne(load.condition, 'done-condition', args.input.id)
  await waiveCondition(context.parts, caller, { conditionId: args.input.id, sessionId, reason })
  load.condition.clear(args.input.id)
  return { doneCondition: await loadOne(load.condition, 'done-condition', args.input.id) }
}
