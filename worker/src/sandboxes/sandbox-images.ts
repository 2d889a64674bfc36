import type { Readable } from 'node:stream'

/** Whose a kept image is. */
export type ImageOwner = { tenantId: string; sessionId: string; checkpointId: string }
export type FoundImage = ImageOwner & { imageId: string; createdAt: Date }

/** Whole file systems of sandboxes, kept by the engine that ran them: what they share with one another lies there once. */
export interface SandboxImages {
  /**
   * Keeps the file system of the session's sandbox as it is at this moment, processes stopped meanwhile; null where it has none, or another
   * than this one: one that was just made and that the log does not know, or one that the session left here when it moved.
   * The id is the content's: the engine gives the same bytes under it for as long as it has it.
   */
  save(owner: ImageOwner & { sandboxId: string }): Promise<{ imageId: string } | null>
  has(imageId: string): Promise<boolean>
  /** A tar of a file or folder as it is in the image, names relative to its parent; null where there is none. */
  read(imageId: string, of: { tenantId: string; sessionId: string; path: string }): Promise<Readable | null>
  /** All of this installation, by label. */
  list(): Promise<FoundImage[]>
  /** Lets go of what one checkpoint keeps; what others are made from stays until they are gone. Idempotent. */
  remove(checkpointId: string): Promise<void>
  /** Removes what has lost its name (saved again after a crash, or let go of) and nothing is made from, if it is older than this. */
  removeUnnamed(olderThanMs: number): Promise<void>
}
