import type { Script, Step } from '@longhaul/core/testing/scripted-model/script.ts'

/** When each session's requests reached the model, on this process's clock: the scripted model runs in it. */
export type Arrivals = {
  script: Script
  /** The time of the session's next request, seen from the call of this function. Rejects when none comes. */
  next(sessionId: string): Promise<number>
}

const PATIENCE_MS = 60_000

export const recordArrivals = (answer: (about: { attempt: number; index: number }) => Step): Arrivals => {
  const waiting = new Map<string, (at: number) => void>()
  return {
    script: (request, about) => {
      const sessionId = request.metadata?.user_id ?? ''
      waiting.get(sessionId)?.(performance.now())
      waiting.delete(sessionId)
      return answer(about)
    },
    next: (sessionId) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`session ${sessionId} did not ask the model in ${PATIENCE_MS} ms`)), PATIENCE_MS)
        waiting.set(sessionId, (at) => {
          clearTimeout(late)
          resolve(at)
        })
      }),
  }
}
