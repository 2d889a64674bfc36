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
export const CHECKPOINT_TRIGGERS = ['CADENCE', 'SUSPEND', 'MANUAL', 'BEFORE_RESET', 'BEFORE_EVALUATION', 'FORK'] as const

export const REWIND_AXES = ['FILES', 'CONVERSATION', 'BOTH'] as const

export type SessionStatus = (typeof SESSION_STATUSES)[number]
export type StopReason = (typeof STOP_REASONS)[number]
export type CheckpointTrigger = (typeof CHECKPOINT_TRIGGERS)[number]
export type RewindAxis = (typeof REWIND_AXES)[number]

/** Stretches of the log that are skipped: [first, last] seq, oldest first. */
const undone = z.array(z.tuple([z.int(), z.int()]))

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
  /** A point to go back to: the log up to `seq`, with the files as they were then. `files`: what is kept of them so far. */
  'session.checkpointed': z.object({
    v: z.literal(1),
    checkpointId: z.string(),
    seq: z.int(),
    trigger: z.enum(CHECKPOINT_TRIGGERS),
    label: z.string().nullable(),
    /** image: the whole file system, on its engine. archive: /workspace. none: no sandbox had been made yet. */
    files: z.enum(['image', 'archive', 'none']),
  }),
  /** The first event of a fork's own: all before it is inherited from `parentId`, up to `seq`. */
  'session.forked': z.object({
    v: z.literal(1),
    checkpointId: z.string(),
    parentId: z.string(),
    seq: z.int(),
    agentId: z.string(),
    agentVersionId: z.string(),
    environmentId: z.string(),
    environmentVersionId: z.string(),
    title: z.string().nullable(),
    prompt: z.string(),
    maxEvaluations: z.int(),
    /** The engine that holds the checkpoint's image, so that the fork begins there. */
    engineId: z.string().nullable(),
  }),
  /**
   * The session goes on from a checkpoint. What stands between its `seq` and this event is in the log for ever, and counts no more: for
   * the context where the conversation was taken back (`thread`), for the files where those were (`files`).
   */
  'session.rewound': z.object({
    v: z.literal(1),
    checkpointId: z.string(),
    seq: z.int(),
    label: z.string().nullable(),
    axis: z.enum(REWIND_AXES),
    /** The thread from here on, as it stood at the checkpoint; its context skips what is `undone`. */
    thread: z
      .object({
        contextFromSeq: z.int(),
        contextTokens: z.int(),
        unread: z.array(z.object({ seq: z.int(), mode: z.enum(['queue', 'steer', 'interrupt']) })),
        undone,
      })
      .nullable(),
    /**
     * `originId`: the checkpoint that holds the files, this one or, where no sandbox had been made at it, one before; null: none, they are
     * the resources. `undone`: those of checkpoints in there are not gone on from. `lostCalls`: calls in the context whose effects are gone.
     */
    files: z.object({ originId: z.string().nullable(), engineId: z.string().nullable(), undone, lostCalls: z.array(z.int()) }).nullable(),
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
    /** The checkpoint that a new sandbox was made from, and what of its files: everything, or /workspace alone. */
    checkpointId: z.string().optional(),
    checkpointSeq: z.int().optional(),
    kept: z.enum(['everything', 'workspace']).optional(),
    /** The build of its environment's set-up that a new sandbox was made from. */
    buildId: z.string().optional(),
    message: z.string().optional(),
  }),
}
