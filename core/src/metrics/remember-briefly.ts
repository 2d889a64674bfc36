/**
 * What `read` answered last, for so long; whoever asks while it reads waits for the same answer. A reading that fails is forgotten at
 * once, and everybody who waited for it hears of it.
 */
export const rememberBriefly = <T>(read: () => Promise<T>, forMs: number): (() => Promise<T>) => {
  let known: { answer: Promise<T>; until: number } | null = null
  return () => {
    if (known !== null && performance.now() < known.until) return known.answer
    const asked = { answer: read(), until: Number.POSITIVE_INFINITY }
    known = asked
    asked.answer.then(
      () => (asked.until = performance.now() + forMs),
      () => {
        if (known === asked) known = null
      },
    )
    return asked.answer
  }
}
