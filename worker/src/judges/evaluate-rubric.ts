import { randomBytes } from 'node:crypto'
import { DEFAULT_JUDGE_MODEL } from '@longhaul/core/src/budgets/prices.ts'
import type { RubricSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { readPrompt } from '@longhaul/core/src/conditions/read-prompt.ts'
import type { ContextMessage, ToolResultBlock, ToolUseBlock } from '@longhaul/core/src/events/content.ts'
import type { ModelAnswer, ModelFailure } from '../models/model.ts'
import { callPricedModel, settleAlone } from '../turn/call-priced-model.ts'
import { boundInputTokens } from '../turn/context-bound.ts'
import { fence, firstMessage, JUDGE_SYSTEM, JUDGE_TOOLS, VERDICT_TOOL } from './judge-prompt.ts'
import { createJudgeTools, type JudgeTools } from './judge-tools.ts'
import type { Evaluation, Judgement, Stopped } from './judgement.ts'
import { type JudgeVerdict, parseVerdict } from './parse-verdict.ts'

const MAX_CALLS = 12
/** Answers that are no verdict and no look at the files. */
const MAX_NONSENSE = 2
/** Looks in one answer; more are refused, unseen. */
const MAX_LOOKS = 8

/** What one answer of the judge leads to. */
type Step =
  | { verdict: JudgeVerdict }
  | { failed: string }
  /** Goes on with these blocks; `nonsense` counts. */
  | { reply: ContextMessage; nonsense: boolean }

/**
 * A judge with a conversation of its own, which sees the rubric, the task and the copy, never what the agent said. Every call is held for
 * before it is made. Whatever is not exactly a verdict is an ERROR.
 */
export const evaluateRubric = async (
  { stretch, copy }: Evaluation,
  spec: RubricSpec,
  signal: AbortSignal,
): Promise<Judgement | Stopped> => {
  const { parts, claim } = stretch
  const model = spec.model ?? claim.agentVersion.judgeModel ?? DEFAULT_JUDGE_MODEL
  const mark = randomBytes(8).toString('hex')
  const tools = createJudgeTools(copy)
  const task = await readPrompt(parts.db, claim)
  const messages: ContextMessage[] = [
    { role: 'user', content: [{ type: 'text', text: firstMessage({ rubric: spec.rubric, task, files: tools.list({}).text, mark }) }] },
  ]
  let costNanos = 0n
  let nonsense = 0
  let mustDecide = false

  for (let calls = 1; calls <= MAX_CALLS; calls++) {
    const request = {
      model,
      system: JUDGE_SYSTEM,
      tools: JUDGE_TOOLS,
      messages,
      forceTool: mustDecide || calls === MAX_CALLS ? VERDICT_TOOL : null,
    }
    const call = await callPricedModel(stretch, { kind: 'judge', request, inputBoundTokens: boundInput(messages), signal })
    if (call.blocked !== undefined) return { stopped: 'budget', blocked: call.blocked, costNanos }
    await settleAlone(stretch, call.settlement)
    costNanos += call.costNanos ?? 0n
    if (call.outcome.kind === 'failed') return describeFailure(call.outcome.failure, costNanos)

    const step = await takeAnswer(call.outcome.answer, { tools, mark })
    if ('verdict' in step)
      return {
        verdict: step.verdict.verdict,
        explanation: step.verdict.explanation,
        evidence: { model, calls, seen: step.verdict.evidence },
        costNanos,
      }
    if ('failed' in step) return { verdict: 'ERROR', explanation: step.failed, evidence: { model, calls }, costNanos }
    if (step.nonsense && ++nonsense >= MAX_NONSENSE) break
    mustDecide = step.nonsense
    messages.push({ role: 'assistant', content: call.outcome.answer.content }, step.reply)
  }
  return { verdict: 'ERROR', explanation: 'The judge gave no verdict in the form that was asked for.', evidence: { model }, costNanos }
}

const takeAnswer = async (answer: ModelAnswer, looking: { tools: JudgeTools; mark: string }): Promise<Step> => {
  if (answer.stopReason === 'refusal') return { failed: 'The judge refused to judge.' }
  const uses = answer.content.filter((block) => block.type === 'tool_use')
  if (uses.length === 0) {
    // An answer without content can't stand in a conversation: nothing could follow it.
    if (answer.content.length === 0) return { failed: 'The judge said nothing.' }
    return { reply: { role: 'user', content: [{ type: 'text', text: 'Give your verdict by calling verdict.' }] }, nonsense: true }
  }
  const broken = new Set(answer.brokenToolCalls.map(({ id }) => id))
  const verdicts = uses.filter(({ name }) => name === VERDICT_TOOL)
  const [only] = verdicts
  if (only !== undefined) {
    const parsed =
      uses.length > 1
        ? { wrong: 'Call verdict alone and once, after you have seen what you need.' }
        : broken.has(only.id)
          ? { wrong: 'The input was incomplete.' }
          : parseVerdict(only.input)
    if (!('wrong' in parsed)) return { verdict: parsed }
    return { reply: { role: 'user', content: uses.map((use) => toResult(use, { text: parsed.wrong, isError: true })) }, nonsense: true }
  }
  const results: ToolResultBlock[] = []
  for (const [index, use] of uses.entries()) {
    const shown = broken.has(use.id)
      ? { text: 'The input was incomplete.', isError: true }
      : index < MAX_LOOKS
        ? await look(use, looking)
        : { text: `At most ${MAX_LOOKS} at once.`, isError: true }
    results.push(toResult(use, shown))
  }
  return { reply: { role: 'user', content: results }, nonsense: false }
}

const look = async (
  use: ToolUseBlock,
  { tools, mark }: { tools: JudgeTools; mark: string },
): Promise<{ text: string; isError: boolean }> => {
  const shown =
    use.name === 'list_files'
      ? tools.list(use.input)
      : use.name === 'read_file'
        ? await tools.read(use.input)
        : { text: 'There is no such tool.', isError: true }
  return shown.isError ? shown : { text: fence(mark, shown.text), isError: false }
}

const toResult = ({ id }: ToolUseBlock, { text, isError }: { text: string; isError: boolean }): ToolResultBlock => ({
  type: 'tool_result',
  tool_use_id: id,
  content: text,
  ...(isError ? { is_error: true } : {}),
})

const describeFailure = (failure: ModelFailure, costNanos: bigint): Judgement | Stopped => {
  if (failure.reason === 'interrupted') return { stopped: 'interrupted', costNanos }
  return {
    verdict: 'ERROR',
    explanation: `The judge's model failed: ${failure.message}`,
    evidence: {},
    costNanos,
    final: failure.reason === 'rejected' || failure.reason === 'too_long',
    status: failure.status,
    retryAfterMs: failure.retryAfterMs,
  }
}

/** All of it by its bytes: a judge's conversation is short, and its price small beside being certain. */
const boundInput = (messages: ContextMessage[]): number =>
  boundInputTokens({
    lastExact: null,
    bytesSince: 0,
    bytesOfEverything: Buffer.byteLength(JSON.stringify({ JUDGE_SYSTEM, JUDGE_TOOLS, messages })),
    changed: true,
  })
