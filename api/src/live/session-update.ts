import type { StreamedDelta } from '@longhaul/core/src/log/announcer.ts'

/** An event as it stands in the log. One object for all who watch: nobody may change it. */
export type StoredEvent = {
  readonly seq: number
  readonly type: string
  readonly threadId: string
  readonly actor: string
  readonly payload: unknown
  readonly hash: string
  readonly costNanos: bigint | null
  readonly createdAt: Date
  /** About what it holds in memory. */
  readonly bytes: number
}

/** What a subscriber of a session reads. */
export type SessionUpdate = StoredEvent | Readonly<StreamedDelta>

export const isStoredEvent = (update: SessionUpdate): update is StoredEvent => 'seq' in update
