/**
 * What reaches a running turn from outside: people's wishes (pause, interrupt), and the loss of its claim. Told by announcement, and by
 * the lease's renewal where one was lost.
 */
import { LeaveRunning } from '../sandboxes/sandbox.ts'

export type Control = 'pause' | 'interrupt' | null

export type Wishes = {
  /** Aborts when the claim is lost, canceled, or the process must stop at once. */
  readonly lost: AbortSignal
  control(): Control
  /** When, by performance.now(), the wish was last told or obeyed: what was asked before is out of date. */
  changedAt(): number
  /** Aborts when this call must stop: an interrupt, or the claim's loss. For one model call or tool call. */
  callSignal(): AbortSignal
  /** The same for a model call, which a loss reaches a moment later: what has already arrived says what the call cost. */
  modelSignal(): AbortSignal
  /** The turn has done what was wished; `next`: what is wished now. */
  obeyed(next: Control): void
  tell(control: Control): void
  lose(reason: string): void
  /** The process goes: the claim is let go, and a tool call that runs goes on in its sandbox for whoever takes over. */
  leave(reason: string): void
}

/** A worker that wakes up late reads what lies in its sockets before it gives its calls up. */
const LAST_BYTES_MS = 500

export const createWishes = (initial: Control): Wishes => {
  const lost = new AbortController()
  const lostToModel = new AbortController()
  let control = initial
  let changedAt = performance.now()
  let call = new AbortController()
  const lose = (reason: Error): void => {
    lost.abort(reason)
    setTimeout(() => lostToModel.abort(reason), LAST_BYTES_MS).unref()
  }
  if (initial === 'interrupt') call.abort(new Error('interrupted')) // a call that an earlier worker left behind must end
  const tell = (wish: Control): void => {
    control = wish
    changedAt = performance.now()
    if (wish === 'interrupt') call.abort(new Error('interrupted'))
  }
  const openCall = (): AbortSignal => {
    if (call.signal.aborted && control !== 'interrupt') call = new AbortController()
    return call.signal
  }
  return {
    lost: lost.signal,
    control: () => control,
    changedAt: () => changedAt,
    callSignal: () => AbortSignal.any([lost.signal, openCall()]),
    modelSignal: () => AbortSignal.any([lostToModel.signal, openCall()]),
    obeyed: (next) => {
      call = new AbortController()
      tell(next)
    },
    tell,
    lose: (reason) => lose(new Error(reason)),
    leave: (reason) => lose(new LeaveRunning(reason)),
  }
}
