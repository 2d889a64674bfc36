import { z } from 'zod'

const budget = {
  v: z.literal(1),
  budgetId: z.string(),
  scope: z.enum(['TENANT', 'AGENT', 'SESSION']),
  scopeId: z.string(),
  period: z.enum(['DAY', 'MONTH', 'LIFETIME']),
  /** Whole nano-dollars, as a decimal string. */
  limitNanos: z.string(),
}

export const budgetEvents = {
  'budget.alert': z.object({ ...budget, percent: z.int() }),
  'budget.reached': z.object({ v: z.literal(1), budgetId: z.string(), scope: z.string(), resetsAt: z.string().nullable() }),
  'budget.raised': z.object(budget),
}
