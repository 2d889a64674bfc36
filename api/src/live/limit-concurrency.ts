/** Runs at most `most` at once; the others wait in the order in which they came. */
export const limitConcurrency = (most: number): (<T>(run: () => Promise<T>) => Promise<T>) => {
  let running = 0
  const waiting: (() => void)[] = []
  return async (run) => {
    // Whoever ends hands its place on, so `running` is counted up only here.
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
