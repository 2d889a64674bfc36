import type { Stretch } from '../turn/stretch.ts'
import { beginTaking } from './take-checkpoint.ts'

/**
 * Checkpoints that people want of sessions whose turn this process runs: taken while the model speaks, when no tool is at work and every
 * result is in the log. A tool call that comes meanwhile waits for the copying, and so does the end of the turn.
 */
export class CheckpointDesk {
  readonly #wanted = new Map<string, string>()
  readonly #taking = new Map<string, Promise<void>>()

  want(sessionId: string, checkpointId: string): void {
    this.#wanted.set(sessionId, checkpointId)
  }

  /** Resolves once the checkpoint is begun: what is appended from then on is not part of it. */
  async takeBeside(stretch: Stretch): Promise<void> {
    const { session } = stretch.claim
    const id = this.#wanted.get(session.id)
    if (id === undefined) return
    this.#wanted.delete(session.id)
    // What is held is of the position too.
    await stretch.flush()
    const { tenantId, workerId, epoch } = stretch.claim
    const taking = await beginTaking(stretch.parts, { tenantId, sessionId: session.id, epoch, workerId, checkpoint: { id } })
    if (taking === null) return
    const finished = taking.finish().then(() => {
      if (this.#taking.get(session.id) === finished) this.#taking.delete(session.id)
    })
    this.#taking.set(session.id, finished)
    stretch.parts.sandboxes.hold(session.id, finished)
  }

  /** Before a turn ends: another worker may take the next one, and what is being taken would be of no use. */
  async settled(stretch: Stretch): Promise<void> {
    const taking = this.#taking.get(stretch.claim.session.id)
    if (taking === undefined) return
    await stretch.flush()
    await taking
  }
}
