/** What stands in for one another: content and size. Where the image holds an environment's set-up, only its tenant ever asks for it. */
export type WarmKind = { imageId: string; cpus: number; memoryMb: number; diskMb: number }

export type WarmMember = { id: string; kind: WarmKind; workerId: string }

/** Sandboxes made before anybody asked: attached, frozen, no tenant's and no session's. Each is taken once, and never comes back. */
export interface WarmSandboxes {
  /** Throws what making a sandbox does; nothing is left then. */
  make(kind: WarmKind, workerId: string): Promise<void>
  /** Those of this process that wait. */
  waiting(): readonly WarmMember[]
  /** Whether this process makes it, has it, or is just giving it to a session. */
  holds(id: string): boolean
  /** Removes one; not where it has become a session's. Idempotent. */
  discard(id: string): Promise<void>
}

export const toKey = ({ imageId, cpus, memoryMb, diskMb }: WarmKind): string => `${imageId} ${cpus} ${memoryMb} ${diskMb}`
