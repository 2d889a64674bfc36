export type Gate = {
  run<T>(job: () => Promise<T>): Promise<T>
  /** There is a place, and nobody waits for one. */
  isFree(): boolean
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>
}

/** At most `limit` jobs at once, in the order in which they came: two queues share one worker's capacity. */
export const createGate = (limit: number): Gate => {
  let running = 0
  const waiting: (() => void)[] = []
  const idlers: (() => void)[] = []
  const leave = (): void => {
    const next = waiting.shift()
    if (next !== undefined) {
      next() // its place passes on
      return
    }
    running--
    if (running === 0) for (const resolve of idlers.splice(0)) resolve()
  }
  return {
    run: async (job) => {
      if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
      else running++
      try {
        return await job()
      } finally {
        leave()
      }
    },
    isFree: () => running < limit,
    idle: async () => {
      if (running > 0) await new Promise<void>((resolve) => idlers.push(resolve))
    },
  }
}
