import { cutText } from '@longhaul/core/src/text.ts'
import { z } from 'zod'

export type JudgeVerdict = { verdict: 'SATISFIED' | 'UNSATISFIED'; explanation: string; evidence: string[] }

const MAX_EXPLANATION_LENGTH = 3_500
const MAX_EVIDENCE_LENGTH = 500

const schema = z.strictObject({
  verdict: z.enum(['SATISFIED', 'UNSATISFIED']),
  explanation: z.string().trim().min(1),
  evidence: z.array(z.string().trim().min(1)).min(1).max(20),
})

/** Exactly the shape that was asked for, or a sentence that says what is wrong: nothing is guessed into a verdict. */
export const parseVerdict = (input: unknown): JudgeVerdict | { wrong: string } => {
  const parsed = schema.safeParse(input)
  if (!parsed.success)
    return { wrong: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`).join('; ') }
  const { verdict, explanation, evidence } = parsed.data
  return {
    verdict,
    explanation: cutText(explanation, MAX_EXPLANATION_LENGTH),
    evidence: evidence.map((item) => cutText(item, MAX_EVIDENCE_LENGTH)),
  }
}
