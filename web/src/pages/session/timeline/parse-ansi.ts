/** A stretch of terminal output in one look: CSS classes, never styles of the agent's making. */
export type Span = { text: string; classes: string }

type Look = { fg: number | null; bg: number | null; flags: Set<string> }

// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what this file is about
const SEQUENCE = /\u001b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?|[ -/]*[0-~])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: what else of them has no place in a page
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g
const FLAGS: Record<number, string> = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 7: 'inverse', 9: 'strike' }

/** Colours become classes, everything else a terminal would obey is dropped, and so are the marks that turn text around. */
export const parseAnsi = (output: string): Span[] => {
  const spans: Span[] = []
  const look: Look = { fg: null, bg: null, flags: new Set() }
  let at = 0
  const push = (text: string) => {
    const clean = text.replace(CONTROLS, '')
    if (clean !== '') spans.push({ text: clean, classes: toClasses(look) })
  }
  const source = overwritten(output)
  for (const match of source.matchAll(SEQUENCE)) {
    push(source.slice(at, match.index))
    if (match[2] === 'm') applyCodes(look, match[1] ?? '')
    at = match.index + match[0].length
  }
  push(source.slice(at))
  return spans
}

/** A carriage return writes its line anew, as progress bars do: the last writing stays. */
const overwritten = (output: string): string =>
  output
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => (line.includes('\r') ? (line.split('\r').findLast((part) => part !== '') ?? '') : line))
    .join('\n')

const applyCodes = (look: Look, parameters: string): void => {
  const codes = parameters.split(/[;:]/).map(Number)
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0
    if (code === 0) Object.assign(look, { fg: null, bg: null, flags: new Set() })
    else if (FLAGS[code]) look.flags.add(FLAGS[code])
    else if (code === 22) for (const flag of ['bold', 'dim']) look.flags.delete(flag)
    else if (code > 22 && code < 30) look.flags.delete(FLAGS[code - 20] ?? '')
    else if (code === 38 || code === 48) {
      const { colour, used } = readColour(codes.slice(at + 1))
      look[code === 38 ? 'fg' : 'bg'] = colour
      at += used
    } else if (code === 39) look.fg = null
    else if (code === 49) look.bg = null
    else if (inRange(code, 30)) look.fg = code - 30
    else if (inRange(code, 40)) look.bg = code - 40
    else if (inRange(code, 90)) look.fg = code - 82
    else if (inRange(code, 100)) look.bg = code - 92
  }
}

const inRange = (code: number, from: number): boolean => code >= from && code < from + 8

/** `5;n` or `2;r;g;b`, as the nearest of the sixteen that follow the theme. */
const readColour = ([kind, ...rest]: number[]): { colour: number | null; used: number } => {
  if (kind === 2) return { colour: nearest(rest[0] ?? 0, rest[1] ?? 0, rest[2] ?? 0), used: 4 }
  if (kind !== 5) return { colour: null, used: 1 }
  const index = rest[0] ?? 0
  if (index < 16) return { colour: index, used: 2 }
  if (index > 231) return { colour: index > 243 ? 7 : 8, used: 2 }
  const cube = index - 16
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40)
  return { colour: nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)), used: 2 }
}

const nearest = (red: number, green: number, blue: number): number => {
  const brightest = Math.max(red, green, blue)
  const bits = [red, green, blue].reduce((sum, part, bit) => (part > brightest / 2 ? sum | (1 << bit) : sum), 0)
  return bits + (brightest > 200 ? 8 : 0)
}

const toClasses = ({ fg, bg, flags }: Look): string =>
  [fg === null ? '' : `ansi-fg-${fg}`, bg === null ? '' : `ansi-bg-${bg}`, ...[...flags].map((flag) => `ansi-${flag}`)]
    .filter(Boolean)
    .join(' ')
