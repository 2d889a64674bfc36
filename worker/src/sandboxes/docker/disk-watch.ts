import type { Container, ContainerInspectInfo } from 'dockerode'
import type { CommandResult } from '../sandbox.ts'
import { askEngine } from './engine.ts'

/** The engine adds up every file of the layer: often enough to stop a filler, seldom enough for two hundred sandboxes. */
const defaultCheckMs = 30_000
const sizeMs = 60_000

/**
 * overlay2 over ext4 has no quota, so the disk is watched. A call that is found above the limit is killed, and the agent told; what it
 * is given back is time to delete. At twice the limit the sandbox is removed: the machine is not one session's to fill.
 */
export class DiskWatch {
  readonly #container: Container
  readonly #limitBytes: number
  readonly #checkMs: number
  #checkedAt = performance.now()

  constructor(container: Container, { diskMb, checkMs = defaultCheckMs }: { diskMb: number; checkMs?: number }) {
    this.#container = container
    this.#limitBytes = diskMb * 1024 * 1024
    this.#checkMs = checkMs
  }

  /** Runs a call under a signal that also aborts when the disk is full. */
  async guard(signal: AbortSignal, run: (guarded: AbortSignal) => Promise<CommandResult>): Promise<CommandResult> {
    const full = new AbortController()
    const timer = setInterval(() => void this.#check(full), this.#checkMs)
    try {
      const result = await run(AbortSignal.any([signal, full.signal]))
      // Many short calls fill a disk as well as a long one.
      if (performance.now() - this.#checkedAt > this.#checkMs) await this.#check(full)
      if (!full.signal.aborted) return result
      const limit = `${Math.round(this.#limitBytes / 2 ** 20)} MB`
      return { ...result, output: `${result.output}\n[the sandbox's disk is full: it may hold ${limit}. Delete what is not needed.]` }
    } finally {
      clearInterval(timer)
    }
  }

  async #check(full: AbortController): Promise<void> {
    this.#checkedAt = performance.now()
    try {
      const { SizeRw = 0 } = await this.#inspectSize()
      if (SizeRw <= this.#limitBytes) return
      full.abort(new Error('the disk is full'))
      if (SizeRw > 2 * this.#limitBytes) await askEngine((abortSignal) => this.#container.remove({ force: true, v: true, abortSignal }))
    } catch {
      // The call itself tells what became of the container, and the next check is near.
    }
  }

  /** The types of dockerode know neither the question nor the answer. */
  #inspectSize(): Promise<ContainerInspectInfo & { SizeRw?: number }> {
    return askEngine((abortSignal) => {
      const options = { size: true, abortSignal }
      return this.#container.inspect(options)
    }, sizeMs)
  }
}
