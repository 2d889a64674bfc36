import type { SessionStateFragment, StopReason } from '../../generated/graphql.ts'

type Asked = Pick<SessionStateFragment, 'status' | 'stopReason' | 'evaluationRounds' | 'maxEvaluations'>

/** What a person could do for the session to go on, in a sentence; null while it needs nobody. */
export const toNeed = ({ status, stopReason, evaluationRounds }: Asked): string | null => {
  if (status !== 'IDLE' && status !== 'PAUSED') return null
  switch (stopReason) {
    case 'END_TURN':
      return 'The agent has ended its work and waits for a message.'
    case 'MAX_EVALUATIONS':
      return `The conditions do not hold after ${evaluationRounds} rounds. Tell the agent what to do differently, or waive a condition.`
    case 'REFUSAL':
      return 'The model refused to go on. Say it in another way, or cancel.'
    case 'BLOCKED':
    case 'REQUIRES_ACTION':
      return 'The agent can not go on without a person. Answer it below.'
    case 'BUDGET_REACHED':
      return 'A cap is reached: nothing more is spent until it is raised or its period ends.'
    case 'PAUSED_BY_USER':
      return 'Someone paused it. Resume it, or send a message.'
    case 'CONTEXT_FULL':
      return 'The context is full: the model can read no more of this session.'
    case 'RESOURCES_FAILED':
      return 'Its environment could not be set up, or its files not put into the workspace. The last error says why; once it is mended, resume.'
    default:
      return 'It stopped because something failed again and again. The last error mark says what; once the cause is gone, resume.'
  }
}

/** The same in the few words that a list has room for. */
export const toShortNeed = ({ status, stopReason }: Pick<Asked, 'status' | 'stopReason'>): string | null => {
  if (status !== 'IDLE' && status !== 'PAUSED') return null
  return (stopReason && SHORT[stopReason]) ?? 'something fails again and again'
}

const SHORT: Partial<Record<StopReason, string>> = {
  END_TURN: 'waits for a message',
  MAX_EVALUATIONS: 'its conditions do not hold',
  REFUSAL: 'the model refuses to go on',
  BLOCKED: 'waits for an answer',
  REQUIRES_ACTION: 'waits for an answer',
  BUDGET_REACHED: 'a cap is reached',
  PAUSED_BY_USER: 'someone paused it',
  CONTEXT_FULL: 'its context is full',
  RESOURCES_FAILED: 'its set-up failed',
}
