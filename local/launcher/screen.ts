// What `npm start` says while it works: every step that takes more than two seconds shows that it is alive. All on stderr, so
// that stdout stays free for the one line a script waits for.

export type Screen = {
  say(line: string): void
  /** Runs a step: a line when it is over, and until then what it last said through `onProgress`. */
  step<T>(what: string, work: (onProgress: (line: string) => void) => Promise<T>): Promise<T>
}

type Active = { what: string; startedMs: number; latest: string }

/** A terminal's last line is rewritten; a log gets a line, the first after two seconds. */
const TICK_MS = { terminal: 500, log: 2_000 }
const CLEAR_LINE = '\r\u001b[K'

export function createScreen(output: NodeJS.WriteStream): Screen {
  const active = new Set<Active>()
  const isTerminal = output.isTTY === true
  let ticker: NodeJS.Timeout | undefined

  const say = (line: string) => {
    output.write(isTerminal ? `${CLEAR_LINE}${line}\n` : `${line}\n`)
    if (isTerminal) show()
  }

  function show(): void {
    const lines = [...active].map(({ what, startedMs, latest }) => `  ${what} … ${seconds(startedMs)}${latest && ` · ${latest}`}`)
    if (!isTerminal) output.write(lines.map((line) => `${line}\n`).join(''))
    // One line, however many steps: a wrapped line could not be rewritten.
    else output.write(CLEAR_LINE + lines.join('  ').slice(0, (output.columns || 80) - 1))
  }

  async function step<T>(what: string, work: (onProgress: (line: string) => void) => Promise<T>): Promise<T> {
    const one: Active = { what, startedMs: Date.now(), latest: '' }
    active.add(one)
    ticker ??= setInterval(show, isTerminal ? TICK_MS.terminal : TICK_MS.log)
    const end = (mark: string) => {
      active.delete(one)
      if (active.size === 0) {
        clearInterval(ticker)
        ticker = undefined
      }
      say(`${mark} ${what} (${seconds(one.startedMs)})`)
    }
    try {
      const result = await work((line) => {
        one.latest = line.replace(`${what}: `, '')
      })
      end('✓')
      return result
    } catch (error) {
      end('✗')
      throw error
    }
  }

  return { say, step }
}

function seconds(sinceMs: number): string {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`
}
