import { toWords } from './format.ts'

const WORDS: Record<string, string> = {
  DONE: 'every condition holds',
  END_TURN: 'the agent ended its work',
  MAX_EVALUATIONS: 'conditions not met',
  RESOURCES_FAILED: 'set-up failed',
  PAUSED_BY_USER: 'by a person',
  CANCELED_BY_USER: 'by a person',
  REQUIRES_ACTION: 'waits for an answer',
}

/** Why a session rests, as people say it. A reason of a later release is shown by its name. */
export const toReasonWords = (reason: string): string => WORDS[reason] ?? toWords(reason)
