import { formatCount, formatUsd, toWords } from '../../../components/format.ts'
import { type Fields, toCount, toFields, toList, toText } from '../log/read-payload.ts'
import { Clock } from './clock.tsx'
import { Markdown } from './markdown.tsx'
import type { RowProps } from './row-props.ts'
import { Thinking } from './thinking.tsx'

/** How an answer may end that a person should know of. */
const ENDS_WORTH_TELLING = new Set(['max_tokens', 'refusal', 'pause_turn', 'model_context_window_exceeded'])

/** One answer of the model: the head of its turn, whose tool calls follow. */
export const AnswerRow = ({ event, open, onToggle }: RowProps) => {
  const fields = toFields(event.payload)
  const blocks = toList(fields['content']).map(toFields)
  const thinking = textOf(blocks, 'thinking', 'thinking')
  const text = textOf(blocks, 'text', 'text')
  const stopReason = toText(fields['stopReason'])
  return (
    <article className="answer">
      <TurnHead>
        <span className="quiet">{toText(fields['model'])}</span>
        <span className="quiet number">{tokensOf(toFields(fields['usage']))}</span>
        {event.costUsd && <span className="quiet number">{formatUsd(event.costUsd)}</span>}
        {fields['basis'] !== 'exact' && <span className="warn">cost {toText(fields['basis'])}</span>}
        {ENDS_WORTH_TELLING.has(stopReason) && <span className="warn">ended: {toWords(stopReason)}</span>}
        <Clock event={event} />
      </TurnHead>
      {thinking && <Thinking text={thinking} open={open} onToggle={() => onToggle(event.seq)} />}
      {text && <Markdown text={text} />}
    </article>
  )
}

export const TurnHead = ({ children }: { children: React.ReactNode }) => (
  <header className="turn-head row small">
    <strong>Agent</strong>
    {children}
  </header>
)

const textOf = (blocks: Fields[], type: string, field: string): string =>
  blocks
    .filter((block) => block['type'] === type)
    .map((block) => toText(block[field]))
    .filter((text) => text.trim() !== '')
    .join('\n\n')

const tokensOf = (usage: Fields): string => {
  const sum = (...names: string[]) => names.reduce((total, name) => total + (toCount(usage[name]) ?? 0), 0)
  const read = sum('inputTokens', 'cacheReadTokens', 'cacheWrite5mTokens', 'cacheWrite1hTokens')
  return `${formatCount(read)} in, ${formatCount(sum('outputTokens'))} out`
}
