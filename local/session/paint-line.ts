// A line of the timeline as it stands in the terminal: time, mark, label, text in columns; colour where the terminal wants it.
import type { Line, Tone } from './render-event.ts'

const CODES: Record<Tone, string> = { plain: '', quiet: '2', good: '32', bad: '31', warn: '33', strong: '1' }
const LABEL_WIDTH = 10

type Style = { color: boolean; time?: string }

export function paintLine({ text, ...head }: Line, style: Style): string {
  const { tone } = head
  return `${paintHead(head, style)}${dye(text, CODES[tone], style.color)}`.trimEnd()
}

/** The columns before the text, to its first character. */
export function paintHead({ mark, label, tone }: Omit<Line, 'text'>, { color, time = '' }: Style): string {
  return `${dye(time.padEnd(8), '2', color)} ${dye(`${mark.padEnd(1)} ${label.padEnd(LABEL_WIDTH)}`, CODES[tone], color)} `
}

/** Where the text column begins: what is streamed starts there. */
export const TEXT_COLUMN = 8 + 1 + 1 + 1 + LABEL_WIDTH + 1

function dye(text: string, code: string, color: boolean): string {
  return color && code && text.trim() ? `\u001b[${code}m${text}\u001b[0m` : text
}

/** "14:03:07" of an ISO time, in the reader's zone. */
export function toClock(iso: string): string {
  const at = new Date(iso)
  return Number.isNaN(at.getTime()) ? '' : at.toTimeString().slice(0, 8)
}
