import { type Cadence, isCheckpointDue } from '@longhaul/core/src/checkpoints/is-checkpoint-due.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import type { Stretch } from '../turn/stretch.ts'
import { beginTaking } from './take-checkpoint.ts'

/**
 * Checkpoints of sessions whose turn this process runs, those that people want and those that are due by themselves: taken while the model speaks, when no tool is at work and every
 * result is in the log. A tool call that comes meanwhile waits for the copying, and so does the end of the turn.
 */
export class CheckpointDesk {
  readonly #wanted = new Map<string, string>()
  readonly #taking = new Map<string, Promise<void>>()
  readonly #cadence: Cadence

  constructor(cadence: Cadence) {
    this.#cadence = cadence
  }

  want(sessionId: string, checkpointId: string): void {
    this.#wanted.set(sessionId, checkpointId)
  }

  /** Resolves once the checkpoint is begun: what is appended from then on is not part of it. */
  async takeBeside(stretch: Stretch): Promise<void> {
    const { session } = stretch.claim
    // One at a time: who waits is found again by the next look.
    if (this.#taking.has(session.id)) return
    const asked = this.#wanted.get(session.id)
    if (asked === undefined && !this.#isDue(stretch)) return
    this.#wanted.delete(session.id)
    const checkpoint = asked === undefined ? { id: createId('ckp'), trigger: 'CADENCE' as const } : { id: asked }
    // What is held is of the position too.
    await stretch.flush()
    const { tenantId, workerId, epoch } = stretch.claim
    const taking = await beginTaking(stretch.parts, { tenantId, sessionId: session.id, epoch, workerId, checkpoint })
    if (taking === null) return
    const finished = taking.finish().then(() => {
      if (this.#taking.get(session.id) === finished) this.#taking.delete(session.id)
    })
    this.#taking.set(session.id, finished)
    stretch.parts.sandboxes.hold(session.id, taking.filesKept)
  }

  /** Only where it costs what has changed and not what there is. */
  #isDue({ parts, claim, events }: Stretch): boolean {
    if (parts.sandboxes.provider.images === null || claim.session.sandboxId === null) return false
    return isCheckpointDue(events, { now: new Date(), cadence: this.#cadence })
  }

  /** Before a turn ends: another worker may take the next one, and what is being taken would be of no use. */
  async settled(stretch: Stretch): Promise<void> {
    const taking = this.#taking.get(stretch.claim.session.id)
    if (taking === undefined) return
    await stretch.flush()
    await taking
  }
}
