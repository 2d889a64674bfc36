// What an agent or its tools wrote, made harmless for a terminal: an escape sequence could move the cursor, retitle the window or
// hide what was printed before it.

const ESC = '\u001b'
const BEL = '\u0007'
/** CSI, OSC and two-character sequences, whole; what is left of a cut one is caught below. */
const ESCAPES = new RegExp(`${ESC}\\[[0-?]*[ -/]*[@-~]|${ESC}\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)|${ESC}[@-Z\\\\^_]`, 'gu')
/** Controls but tab and newline, and the marks that reorder, hide or break text (bidirectional, zero width, separators). */
const CONTROLS = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Takes out colour and cursor sequences and shows every other control character as U+FFFD. Keeps tabs and newlines. */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(ESCAPES, '').replace(CONTROLS, '\ufffd')
}

/** The same in one line of at most `limit` code points, runs of white space as one blank. */
export function cleanLine(text: string, limit = 120): string {
  return cutLine(cleanText(text).replace(/\s+/g, ' ').trim(), limit)
}

/** At most `limit` code points, with a mark where something is cut off. */
export function cutLine(text: string, limit: number): string {
  const points = Array.from(text)
  return points.length <= limit ? text : `${points.slice(0, limit - 1).join('')}…`
}
