import { createHash } from 'node:crypto'
import { NO_USAGE, promptTokens } from '@longhaul/core/src/budgets/prices.ts'
import { buildContext } from '@longhaul/core/src/events/build-context.ts'
import type { ContextMessage } from '@longhaul/core/src/events/content.ts'
import type { LogEvent, NewEvent } from '@longhaul/core/src/events/event.ts'
import type { Settlement } from '@longhaul/core/src/log/append-events.ts'
import type { ModelAnswer, ModelFailure, ToolDefinition } from '../models/model.ts'
import { callPricedModel, settleAlone } from './call-priced-model.ts'
import { boundInputTokens, bytesOfBlocks } from './context-bound.ts'
import { fitAnswer } from './fit-answer.ts'
import { retryLater } from './retry-later.ts'
import { statusEvent } from './settle-turn.ts'
import { ClaimLostError, type Stretch } from './stretch.ts'
import { waitForBudget } from './wait-for-budget.ts'

/** Asks the model once. The answer and its settlement commit together; a failure is logged and the turn comes back later. */
export const callModel = async (stretch: Stretch): Promise<'go_on' | 'let_go'> => {
  const { parts, claim, wishes } = stretch
  const messages = buildContext(stretch.events)
  const tools = toolDefinitions(stretch)
  const { model, system } = claim.agentVersion
  const promptHash = hashPrompt({ model, system, tools })
  const signal = wishes.modelSignal()
  const call = await callPricedModel(stretch, {
    kind: 'work',
    request: { model, system, tools, messages },
    inputBoundTokens: boundInput(stretch.events, { messages, system, tools, promptHash }),
    signal,
    onDelta: (delta) => {
      // Tools are about to run: the sandbox starts beside the rest of the answer, and only now, because only now it is needed.
      if (delta.kind === 'TOOL_INPUT') parts.sandboxes.warm(stretch)
      if (parts.watched.has(claim.session.id)) {
        parts.announcer.announceDelta({
          sessionId: claim.session.id,
          threadId: claim.thread.id,
          turnId: claim.turn.id,
          attempt: claim.turn.attempt,
          ...delta,
        })
      }
    },
  })
  if (call.blocked !== undefined) return waitForBudget(stretch, call.blocked)
  if (call.outcome.kind === 'failed') return handleFailure(stretch, call.outcome.failure, call)
  return recordAnswer(stretch, fitAnswer(call.outcome.answer), { ...call, promptHash })
}

/**
 * From here the cost must be recorded even if the claim is lost: the provider has counted it. The answer is held for what comes next, its
 * first tool call or the turn's end.
 */
const recordAnswer = (
  stretch: Stretch,
  answer: ModelAnswer,
  { settlement, costNanos, promptHash }: { settlement: Settlement; costNanos: bigint | null; promptHash: string },
): 'go_on' => {
  const message: NewEvent = {
    type: 'agent.message',
    actor: 'agent',
    payload: {
      turnId: stretch.claim.turn.id,
      model: answer.model,
      content: answer.content,
      stopReason: answer.stopReason,
      usage: settlement.usage ?? NO_USAGE,
      basis: settlement.basis,
      reservationId: settlement.reservationId,
      promptHash,
      brokenCalls: answer.brokenToolCalls,
    },
    ...(costNanos === null ? {} : { costNanos }),
  }
  stretch.hold([message], settlement)
  return 'go_on'
}

const handleFailure = async (
  stretch: Stretch,
  failure: ModelFailure,
  { settlement, costNanos }: { settlement: Settlement; costNanos: bigint | null },
): Promise<'go_on' | 'let_go'> => {
  await settleAlone(stretch, settlement)
  if (failure.reason === 'interrupted') {
    if (stretch.wishes.lost.aborted) throw new ClaimLostError(String(stretch.wishes.lost.reason?.message ?? 'lost'))
    // The message that interrupted came after this stretch had read the log: marked as read without its text, nobody would answer it.
    await stretch.refresh()
    return 'go_on'
  }
  if (failure.reason === 'too_long') {
    await stretch.append([statusEvent('PAUSED', 'CONTEXT_FULL')], { turn: { op: 'wait', turnId: stretch.claim.turn.id, reason: 'paused' } })
    return 'let_go'
  }
  return retryLater(stretch, {
    message: failure.message,
    status: failure.status,
    retryAfterMs: failure.retryAfterMs,
    final: failure.reason === 'rejected',
    costNanos,
  })
}

/** Tools that the agent may not use are not shown to it. */
const toolDefinitions = (stretch: Stretch): ToolDefinition[] => {
  const denied = new Set(stretch.claim.agentVersion.tools.filter(({ permission }) => permission === 'DENY').map(({ name }) => name))
  return [...stretch.parts.tools.values()].filter(({ definition }) => !denied.has(definition.name)).map(({ definition }) => definition)
}

const hashPrompt = (prompt: { model: string; system: string | null; tools: ToolDefinition[] }): string =>
  createHash('sha256').update(JSON.stringify(prompt)).digest('hex').slice(0, 16)

const boundInput = (
  events: readonly LogEvent[],
  {
    messages,
    system,
    tools,
    promptHash,
  }: { messages: ContextMessage[]; system: string | null; tools: ToolDefinition[]; promptHash: string },
): number => {
  const start = events.findLastIndex((event) => event.type === 'agent.compacted' || event.type === 'agent.reset')
  const last = events.slice(start + 1).findLast((event) => event.type === 'agent.message')
  const since = messages.slice(messages.findLastIndex(({ role }) => role === 'assistant') + 1)
  const exact = last?.payload.basis === 'exact' ? { tokens: promptTokens(last.payload.usage) + last.payload.usage.outputTokens } : null
  return boundInputTokens({
    lastExact: exact,
    bytesSince: bytesOfBlocks(since.flatMap(({ content }) => content)),
    bytesOfEverything: Buffer.byteLength(JSON.stringify({ system, tools, messages })),
    changed: last?.payload.promptHash !== promptHash,
  })
}
