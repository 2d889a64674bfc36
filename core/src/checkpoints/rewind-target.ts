import type { CheckpointContext } from './checkpoint.ts'

/** What a session is taken back to, as the database says it under the session's lock. */
export type RewindTarget = {
  checkpointId: string
  seq: number
  label: string | null
  /** Why its files can't be used any more. */
  problem: string | null
  /** One that was taken before there were rewinds says nothing of what was undone. */
  context: Omit<CheckpointContext, 'undone' | 'filesUndone'> & Partial<Pick<CheckpointContext, 'undone' | 'filesUndone'>>
  /** What the session has, or last had. */
  sandbox: { provider: string; image: string } | null
  /** The engine that the session is on, where a worker of it answers. */
  engineId: string | null
  /** The checkpoint that holds the files of that moment; null where they are the resources. Its engine, where one has its image and answers. */
  origin: { id: string; engineId: string | null; hasImage: boolean; hasArchive: boolean } | null
}
