export type Rounds = { rounds: number; perRound: number; warmUp: number }

/**
 * Times arms in turn, A B A B, a few calls of each at a time: whatever else the machine does falls on all of them alike. Returns each
 * arm's samples in milliseconds.
 */
export const interleave = async <Arm extends string>(
  arms: Record<Arm, () => Promise<unknown>>,
  { rounds, perRound, warmUp }: Rounds,
): Promise<Record<Arm, number[]>> => {
  const entries = Object.entries(arms) as [Arm, () => Promise<unknown>][]
  const samples = Object.fromEntries(entries.map(([arm]) => [arm, []])) as unknown as Record<Arm, number[]>
  for (const [, run] of entries) for (let call = 0; call < warmUp; call++) await run()
  for (let round = 0; round < rounds; round++) {
    for (const [arm, run] of entries) {
      for (let call = 0; call < perRound; call++) {
        const startedAt = performance.now()
        await run()
        samples[arm].push(performance.now() - startedAt)
      }
    }
  }
  return samples
}
