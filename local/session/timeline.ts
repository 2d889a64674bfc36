// Turns updates of a session into what is written to the terminal, in order: text as it streams, then every event once. Holds the
// little state that needs: what has been streamed of the answer at hand, and what was spent.
import { cleanText } from './clean-text.ts'
import { paintHead, paintLine, TEXT_COLUMN, toClock } from './paint-line.ts'
import { renderEvent, textsOf, toRecord } from './render-event.ts'
import type { SessionDelta, SessionEvent, SessionUpdate } from './session-update.ts'

export type Timeline = {
  /** The text to write for this update; may be empty. */
  write(update: SessionUpdate): string
  spentMicros(): bigint
}

type Answer = { turnId: string; attempt: number; texts: Map<number, string> }

export function createTimeline({ color, budgetUsd }: { color: boolean; budgetUsd?: string }): Timeline {
  let answer: Answer | undefined
  let midLine = false
  let spent = 0n

  function writeDelta(delta: SessionDelta): string {
    if (delta.kind !== 'TEXT') return ''
    let out = ''
    if (!answer || answer.turnId !== delta.turnId || answer.attempt < delta.attempt) {
      // The same call tried again: what it said before does not count.
      if (answer?.turnId === delta.turnId)
        out += `${endLine()}${paintLine({ mark: '!', label: '', text: 'trying again', tone: 'warn' }, { color })}\n`
      answer = { turnId: delta.turnId, attempt: delta.attempt, texts: new Map() }
    }
    if (delta.attempt < answer.attempt) return out
    const known = answer.texts.get(delta.block) ?? ''
    if (delta.offset !== known.length) return out // a gap: the event will bring the whole
    if (known === '') out += endLine() + paintHead({ mark: '◆', label: 'agent', tone: 'plain' }, { color })
    answer.texts.set(delta.block, known + delta.text)
    const shown = indent(cleanText(delta.text))
    midLine = true
    return out + shown
  }

  function writeEvent(event: SessionEvent): string {
    spent += toMicros(event.costUsd)
    let out = ''
    const streamed = event.type === 'agent.message' ? takeStreamed(event) : false
    if (streamed) out += endLine()
    else {
      const time = toClock(event.createdAt)
      const lines = renderEvent(event).map((line, index) => paintLine(line, { color, time: index === 0 ? time : '' }))
      if (lines.length > 0) out += `${endLine()}${lines.join('\n')}\n`
    }
    if (event.costUsd && toMicros(event.costUsd) > 0n) out += endLine() + renderSpend()
    return out
  }

  /** Whether the message's whole text has been streamed already; either way the answer at hand is over. */
  function takeStreamed(event: SessionEvent): boolean {
    const shown = answer ? [...answer.texts.entries()].sort(([a], [b]) => a - b).map(([, text]) => text) : []
    answer = undefined
    const whole = textsOf(toRecord(event.payload))
    return whole.length > 0 && shown.filter((text) => text.trim() !== '').join('\n') === whole.join('\n')
  }

  function renderSpend(): string {
    // Each event's cost is rounded up on its own, so the sum is right to four places only; the summary at the end is exact.
    const text = `$${toFourPlaces(spent)} spent${budgetUsd ? ` of $${budgetUsd}` : ''}`
    return `${paintLine({ mark: '$', label: '', text, tone: 'quiet' }, { color })}\n`
  }

  function endLine(): string {
    const out = midLine ? '\n' : ''
    midLine = false
    return out
  }

  return {
    write: (update) => (update.__typename === 'Delta' ? writeDelta(update) : writeEvent(update)),
    spentMicros: () => spent,
  }
}

function indent(text: string): string {
  return text.replaceAll('\n', `\n${' '.repeat(TEXT_COLUMN)}`)
}

/** `Usd` has up to six places. Null and anything else that is no amount count as nothing. */
function toMicros(usd: string | null): bigint {
  const match = /^(\d+)(?:\.(\d{1,6}))?$/.exec(usd ?? '')
  return match ? BigInt(match[1] ?? 0) * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0')) : 0n
}

function toFourPlaces(micros: bigint): string {
  const rounded = (micros + 50n) / 100n
  return `${rounded / 10_000n}.${String(rounded % 10_000n).padStart(4, '0')}`
}
