/**
 * The words between a sandbox's resident runner and its client, one a line; `runner.sh` says them too.
 * Owns the protocol's text and the client that speaks it. Knows no engine, and trusts nothing that a runner says:
 * the agent's processes share its user and can forge any line.
 */
export type Reply =
  | { word: 'hello' | 'bare' | 'running' | 'never' | 'unknown' | 'repeat' | 'garbled' | 'broken' | 'exited'; epoch: number; callNo: number }
  | { word: 'stale'; epoch: number; callNo: number; currentEpoch: number }
  | { word: 'done'; epoch: number; callNo: number; exitCode: number; durationMs: number; inlineOutput: InlineOutput }

/** `whole: false`: there is more than a line carries; it lies in the call's files. */
export type InlineOutput = { whole: boolean; bytes: Buffer }

/** No call takes a month; a forged time must not keep a result out of the log. */
const longestSeconds = 2_678_400
/** The runner sends one byte more than this when there is more to read. */
const inlineBytes = 2880
/** Longer scripts go over the archive call: the runner's `read` takes 0.3 ms a kilobyte. */
export const maxScriptBytes = 65_536

export const runLine = (epoch: number, callNo: number, script: string): string => {
  const escaped = escapeScript(script)
  return `${epoch} ${callNo} run ${Buffer.byteLength(escaped)} =${escaped}=`
}

/** For the shell's `printf %b`: backslashes and control characters, so that a script is one line. */
const escapeScript = (script: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  script.replace(/[\\\x00-\x1f\x7f]/g, (char) => {
    if (char === '\\') return '\\\\'
    if (char === '\n') return '\\n'
    return `\\0${char.charCodeAt(0).toString(8).padStart(3, '0')}`
  })

const plain = new Set(['hello', 'bare', 'running', 'never', 'unknown', 'repeat', 'garbled', 'broken', 'exited'])

/** Null for a line that no runner of ours says. */
export const parseReply = (line: string): Reply | null => {
  const [first, second, word, ...rest] = line.split(' ')
  const epoch = parseCount(first)
  const callNo = parseCount(second)
  if (epoch === null || callNo === null || word === undefined) return null
  if (plain.has(word)) return { word: word as 'hello', epoch, callNo }
  if (word === 'stale') {
    const currentEpoch = parseCount(rest[0])
    return currentEpoch === null ? null : { word, epoch, callNo, currentEpoch }
  }
  return word === 'done' ? parseDone(epoch, callNo, rest) : null
}

const parseDone = (epoch: number, callNo: number, [code, started, ended, output = '']: string[]): Reply | null => {
  const exitCode = parseCount(code)
  if (exitCode === null || exitCode > 255) return null
  const seconds = Number(ended) - Number(started)
  const durationMs = seconds > 0 && seconds < longestSeconds ? Math.round(seconds * 1000) : 0
  const bytes = Buffer.from(output, 'base64')
  const whole = output !== '+' && bytes.length <= inlineBytes
  return { word: 'done', epoch, callNo, exitCode, durationMs, inlineOutput: { whole, bytes } }
}

const parseCount = (text: string | undefined): number | null => {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return null
  return Number(text)
}
