/** `run(client)` again and again by so many clients at once, each waiting for its own call, for a time. Returns calls a second. */
export const measureThroughput = async (
  clients: number,
  durationMs: number,
  run: (client: number) => Promise<unknown>,
): Promise<number> => {
  const startedAt = performance.now()
  let calls = 0
  const loop = async (client: number): Promise<void> => {
    while (performance.now() - startedAt < durationMs) {
      await run(client)
      calls++
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => loop(client)))
  return (calls / (performance.now() - startedAt)) * 1_000
}

/** Each arm's throughput in turn, several times, so that noise falls on all alike. Returns each arm's runs. */
export const compareThroughput = async <Arm extends string>(
  arms: Record<Arm, (client: number) => Promise<unknown>>,
  { clients, rounds, durationMs }: { clients: number; rounds: number; durationMs: number },
): Promise<Record<Arm, number[]>> => {
  const entries = Object.entries(arms) as [Arm, (client: number) => Promise<unknown>][]
  const runs = Object.fromEntries(entries.map(([arm]) => [arm, []])) as unknown as Record<Arm, number[]>
  for (const [, run] of entries) await measureThroughput(clients, durationMs / 5, run)
  for (let round = 0; round < rounds; round++) {
    for (const [arm, run] of entries) runs[arm].push(await measureThroughput(clients, durationMs, run))
  }
  return runs
}
