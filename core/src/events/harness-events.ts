import { z } from 'zod'

export const harnessEvents = {
  /** A failure that is not the agent's, named by what comes next. */
  'harness.error': z.object({
    v: z.literal(1),
    turnId: z.string(),
    next: z.enum(['retrying', 'outcome_unknown', 'gave_up']),
    message: z.string(),
    status: z.int().nullable().optional(),
    attempt: z.int().optional(),
    retryAt: z.string().optional(),
    reservationId: z.string().optional(),
    kind: z.string().optional(),
    model: z.string().optional(),
    /** The environment's build that failed. */
    buildId: z.string().optional(),
  }),
}
