// What `npm start` says while it works: every step that takes more than two seconds shows that it is alive. All on stderr, so
// that stdout stays free for the one line a script waits for.

export type Screen = {
  say(line: string): void
  /** Runs a step: a line when it is done, and one every two seconds until then, with the last thing `onProgress` heard. */
  step<T>(what: string, work: (onProgress: (line: string) => void) => Promise<T>): Promise<T>
}

const TICK_MS = 2_000

export function createScreen(output: NodeJS.WritableStream): Screen {
  const say = (line: string) => void output.write(`${line}\n`)

  async function step<T>(what: string, work: (onProgress: (line: string) => void) => Promise<T>): Promise<T> {
    const started = Date.now()
    const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`
    let latest = ''
    const ticker = setInterval(() => say(`  ${what} … ${seconds()}${latest && ` · ${latest}`}`), TICK_MS)
    try {
      const result = await work((line) => {
        latest = line
      })
      say(`✓ ${what} (${seconds()})`)
      return result
    } catch (error) {
      say(`✗ ${what} (${seconds()})`)
      throw error
    } finally {
      clearInterval(ticker)
    }
  }

  return { say, step }
}
