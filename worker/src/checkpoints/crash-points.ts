/** Where a worker may die while it takes a checkpoint, in order. Fault tests kill it at each of them. */
export const CHECKPOINT_CRASH_POINTS = ['checkpoint_begun', 'checkpoint_saved', 'checkpoint_whole', 'checkpoint_archived'] as const
export type CheckpointCrashPoint = (typeof CHECKPOINT_CRASH_POINTS)[number]
