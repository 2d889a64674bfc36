import { z } from 'zod'

export const SESSION_STATUSES = ['QUEUED', 'RUNNING', 'IDLE', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELED'] as const
export const STOP_REASONS = [
  'END_TURN',
  'REQUIRES_ACTION',
  'MAX_EVALUATIONS',
  'BLOCKED',
  'REFUSAL',
  'BUDGET_REACHED',
  'PAUSED_BY_USER',
  'CIRCUIT_BREAKER',
  'CRASH_LOOP',
  'RETRIES_EXHAUSTED',
  'CONTEXT_FULL',
  'RESOURCES_FAILED',
  'CANCELED_BY_USER',
  'DONE',
  'UNRECOVERABLE',
] as const

export type SessionStatus = (typeof SESSION_STATUSES)[number]
export type StopReason = (typeof STOP_REASONS)[number]

/** What the platform says of a session and its sandbox. */
export const sessionEvents = {
  'session.created': z.object({
    v: z.literal(1),
    agentId: z.string(),
    agentVersionId: z.string(),
    environmentId: z.string(),
    environmentVersionId: z.string(),
    title: z.string().nullable(),
    prompt: z.string(),
    maxEvaluations: z.int(),
    resources: z.array(
      z.object({ kind: z.enum(['FILE', 'GIT']), path: z.string(), url: z.string().nullable(), commit: z.string().nullable() }),
    ),
  }),
  'session.status': z.object({
    v: z.literal(1),
    status: z.enum(SESSION_STATUSES),
    stopReason: z.enum(STOP_REASONS).nullable(),
    activity: z.string().nullable(),
    reason: z.string().optional(),
  }),
  /** `lostCalls`: calls whose effects went with a lost sandbox. */
  'sandbox.state': z.object({
    v: z.literal(1),
    state: z.enum(['PROVISIONING', 'RUNNING', 'SUSPENDED', 'LOST', 'GONE']),
    sandboxId: z.string().nullable(),
    provider: z.string(),
    engineId: z.string().nullable(),
    image: z.string(),
    isolated: z.boolean(),
    lostCalls: z.array(z.int()).optional(),
    /** The workspace as it was when the resources were in; stands with the first RUNNING only. */
    baselineSnapshotId: z.string().optional(),
    message: z.string().optional(),
  }),
}
