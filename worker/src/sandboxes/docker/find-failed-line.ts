/** What set-up.sh says itself; what bash says of a script that it can't read; what other shells say. The last of the best kind counts. */
const signs = [/^\[set-up: line (\d+) exited with \d+\]$/gm, /^set-up: (?:-c: )?line (\d+): /gm, /^set-up: (\d+): /gm]

/** The line at which a set-up script stopped, from the end of what it printed. Its own word, for its own author. Pure. */
export const findFailedLine = (output: string): number | null => {
  for (const sign of signs) {
    const line = [...output.matchAll(sign)].at(-1)?.[1]
    if (line !== undefined) return Number(line.slice(0, 9))
  }
  return null
}
