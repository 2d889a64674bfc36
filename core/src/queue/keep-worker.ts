import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'bullmq'

export type KeptWorker = {
  /** Resolves once it takes jobs, or was closed before. */
  ready: Promise<void>
  close(): Promise<void>
  disconnect(): Promise<void>
}

/**
 * BullMQ keeps what it met when it first connected: a worker that found nobody there lives on, asks again and again, and never takes a job.
 * So another is opened in its place, until one has found its queue.
 */
export const keepWorker = <Job>(open: () => Worker<Job>, retryMs: number): KeptWorker => {
  let worker = open()
  let closed = false
  const becomeReady = async (): Promise<void> => {
    while (!closed) {
      const ready = await worker.waitUntilReady().then(
        () => true,
        () => false, // it has reported the error itself
      )
      if (ready) return
      await sleep(retryMs, undefined, { ref: false })
      if (closed) return
      const failed = worker
      worker = open()
      failed.close(true).catch(() => {}) // it has nothing to say goodbye to
    }
  }
  return {
    ready: becomeReady(),
    close: () => {
      closed = true
      return worker.close()
    },
    disconnect: () => worker.disconnect(),
  }
}
