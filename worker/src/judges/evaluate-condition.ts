import type { Condition } from '@longhaul/core/src/conditions/read-conditions.ts'
import { ClaimLostError } from '../turn/stretch.ts'
import { evaluateCommand } from './evaluate-command.ts'
import { evaluateFile } from './evaluate-file.ts'
import { evaluateRubric } from './evaluate-rubric.ts'
import { evaluateUnchanged } from './evaluate-unchanged.ts'
import { type Evaluation, failed, type Judgement, type Stopped } from './judgement.ts'

/** One verdict on one condition. Whatever goes wrong on our side is an ERROR, which never satisfies and is tried again. */
export const evaluateCondition = async (evaluation: Evaluation, condition: Condition): Promise<Judgement | Stopped> => {
  const { wishes, parts, claim } = evaluation.stretch
  const signal = wishes.callSignal()
  try {
    return await evaluateByKind(evaluation, condition, signal)
  } catch (error) {
    if (wishes.lost.aborted) throw new ClaimLostError('lost during an evaluation')
    if (error instanceof ClaimLostError) throw error
    if (signal.aborted) return { stopped: 'interrupted', costNanos: 0n }
    parts.logger.error({ err: error, sessionId: claim.session.id, conditionId: condition.id }, 'a condition could not be evaluated')
    return failed(`The check could not be run: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const evaluateByKind = async (evaluation: Evaluation, condition: Condition, signal: AbortSignal): Promise<Judgement | Stopped> => {
  if (condition.kind !== 'COMMAND') await evaluation.stretch.parts.atPoint('mid_evaluation')
  switch (condition.kind) {
    case 'COMMAND':
      return evaluateCommand(evaluation, condition.spec, signal)
    case 'FILE':
      return evaluateFile(evaluation, condition.spec)
    case 'UNCHANGED':
      return evaluateUnchanged(evaluation, condition.spec)
    case 'RUBRIC':
      return evaluateRubric(evaluation, condition.spec, signal)
  }
}
