/** What a checkpoint is made of besides its files: the position in the log, and the thread as it stands there. */
import type { CheckpointTrigger } from '../events/session-events.ts'
import type { Undone } from '../events/undone.ts'
import type { UnreadMessage } from '../turns/view-turn.ts'

/** A tool call that the model has asked for and that has no result yet. `callSeq`: its event, once it is logged. */
export type OpenCall = { turnId: string; callId: string; callSeq: number | null }

/** The thread at the checkpoint: what a fork's thread begins with, and nothing that the log up to there would not give. */
export type CheckpointContext = {
  contextFromSeq: number
  contextTokens: number
  /** What the context skips, and which checkpoints' files are not gone on from: see events/undone.ts. */
  undone: Undone
  filesUndone: Undone
  unread: UnreadMessage[]
  openCalls: OpenCall[]
  baselineSnapshotId: string | null
}

/** Where a checkpoint begins, as the database says it; the epoch is what fences it until it is recorded. */
export type CheckpointStart = Omit<CheckpointContext, 'openCalls'> & {
  epoch: number
  seq: number
  threadId: string
  engineId: string | null
  sandboxId: string | null
}

/** What was kept of the files. An image holds everything and lies on one engine; a snapshot holds /workspace and lies in the store. */
export type KeptFiles = { imageId: string | null; engineId: string | null; snapshotId: string | null }

/** A whole checkpoint that files can be restored from. */
export type RestorePoint = KeptFiles & { id: string; sessionId: string; seq: number }

export type PlatformTrigger = Exclude<CheckpointTrigger, 'MANUAL'>
