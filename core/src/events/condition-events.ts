import { z } from 'zod'

export const VERDICTS = ['SATISFIED', 'UNSATISFIED', 'BLOCKED', 'ERROR'] as const

export const conditionEvents = {
  'condition.added': z.object({
    v: z.literal(1),
    conditionId: z.string(),
    name: z.string(),
    kind: z.enum(['COMMAND', 'FILE', 'UNCHANGED', 'RUBRIC']),
    spec: z.record(z.string(), z.unknown()),
  }),
  /** A verdict. ERROR means that the check itself could not run: the agent never reads it, and it never satisfies. */
  'condition.evaluated': z.object({
    v: z.literal(1),
    turnId: z.string(),
    evaluationId: z.string(),
    conditionId: z.string(),
    name: z.string(),
    round: z.int(),
    verdict: z.enum(VERDICTS),
    explanation: z.string(),
    evidence: z.record(z.string(), z.unknown()),
    workspaceDigest: z.string(),
    isolated: z.boolean(),
  }),
  'condition.waived': z.object({ v: z.literal(1), conditionId: z.string(), name: z.string(), reason: z.string() }),
}
