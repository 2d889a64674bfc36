import { formatBytes, formatClock, formatUsd, formatWhole, toWords } from '../../../components/format.ts'
import { toReasonWords } from '../../../components/stop-reason.ts'
import { toReason } from '../checkpoints/to-name.ts'
import { type Fields, toCount, toFields, toList, toText } from '../log/read-payload.ts'
import { isResting, type LogEvent } from '../log/session-log.ts'

/** How an event stands in the timeline. `hidden`: it is told by another row, or of no interest to people. */
export type Row =
  | { kind: 'hidden' }
  | { kind: 'message' | 'answer' | 'tool' | 'result' | 'verdict' }
  | { kind: 'mark'; tone: Tone; label: string; text: string; detail: string | null }

export type Tone = 'good' | 'warn' | 'bad' | 'quiet'

const HIDDEN: Row = { kind: 'hidden' }

export const toRow = (event: LogEvent): Row => {
  const fields = toFields(event.payload)
  switch (event.type) {
    case 'session.created':
    case 'user.message_read':
    case 'user.upload_read':
      return HIDDEN
    case 'user.message':
      return { kind: 'message' }
    case 'agent.message':
      return { kind: 'answer' }
    case 'agent.tool_call':
      return { kind: 'tool' }
    case 'agent.tool_result':
      // A call that never began has no event of its own.
      return toCount(fields['callSeq']) === null ? { kind: 'result' } : HIDDEN
    case 'condition.evaluated':
      return { kind: 'verdict' }
    case 'session.status':
      return isResting(event) ? statusMark(fields) : HIDDEN
    default:
      return (MARKS[event.type] ?? unknownMark)(fields, event.type)
  }
}

const mark = (tone: Tone, label: string, text: string, detail: string | null = null): Row => ({ kind: 'mark', tone, label, text, detail })
const unknownMark = (_: Fields, type: string): Row => mark('quiet', type, '')
const joined = (...parts: unknown[]): string => parts.map(toText).filter(Boolean).join(' · ')

const STATUS_TONES: Record<string, Tone> = { COMPLETED: 'good', FAILED: 'bad', CANCELED: 'bad', PAUSED: 'warn', IDLE: 'warn' }

const statusMark = (fields: Fields): Row => {
  const status = toText(fields['status'])
  const reason = toText(fields['stopReason'])
  return mark(STATUS_TONES[status] ?? 'quiet', toWords(status), reason && toReasonWords(reason), toText(fields['reason']) || null)
}

const MARKS: Record<string, (fields: Fields, type: string) => Row> = {
  'user.upload': (fields) => {
    const files = toCount(fields['files']) ?? 0
    const what = fields['kind'] === 'folder' ? `${formatWhole(files)} ${files === 1 ? 'file' : 'files'} into ` : ''
    return mark('quiet', 'upload', `${what}${pathOf(fields)}, ${formatBytes(toCount(fields['sizeBytes']) ?? 0)}`)
  },
  'user.upload_placed': (fields) => {
    const placed = toList(fields['seqs']).length
    const refused = toList(fields['refused']).map(toFields)
    const text = joined(
      placed > 0 && `${placed === 1 ? 'what was uploaded is' : `${placed} uploads are`} in the sandbox`,
      refused.length > 0 && `${refused.length === 1 ? 'an upload could' : `${refused.length} uploads could`} not be put there`,
    )
    const reasons = refused.map(({ seq, reason }) => `event ${toCount(seq) ?? '?'}: ${toText(reason)}`).join('\n')
    return mark(refused.length > 0 ? 'warn' : 'quiet', 'upload placed', text, reasons || null)
  },
  'user.interrupt': () => mark('warn', 'interrupted', 'the work at hand was stopped for a message'),
  'agent.compacted': (fields) => mark('quiet', 'compacted', 'earlier context became a summary', toText(fields['summary'])),
  'agent.reset': (fields) => mark('quiet', 'begun afresh', 'a new context starts from a hand-off', toText(fields['handOff'])),
  'condition.added': (fields) => mark('quiet', 'condition added', joined(fields['name'], toText(fields['kind']).toLowerCase())),
  'condition.waived': (fields) => mark('warn', 'condition waived', joined(fields['name'], fields['reason'])),
  'budget.alert': (fields) => mark('warn', 'budget', `${toText(fields['percent'])} % of the ${scopeOf(fields)} cap is spent`),
  'budget.reached': (fields) => mark('bad', 'budget reached', `the ${scopeOf(fields)} cap holds the session: nothing more is spent`),
  'budget.raised': (fields) =>
    mark('good', 'cap set', `the ${scopeOf(fields)} cap is now ${formatUsd(nanosToUsd(toText(fields['limitNanos'])))}`),
  'harness.error': (fields) => {
    const retryAt = toText(fields['retryAt'])
    const next = {
      retrying: retryAt ? `tried again at ${formatClock(retryAt)}` : 'tried again',
      outcome_unknown: 'outcome unknown',
      gave_up: 'given up',
    }
    return mark(
      fields['next'] === 'gave_up' ? 'bad' : 'warn',
      'error',
      joined(fields['message'], next[fields['next'] as keyof typeof next]),
    )
  },
  'session.checkpointed': (fields) => mark('quiet', 'checkpoint', joined(fields['label'], toReason(toText(fields['trigger'])))),
  'session.rewound': (fields) => {
    const seq = formatWhole(toCount(fields['seq']) ?? 0)
    const label = toText(fields['label'])
    const what = REWOUND[toText(fields['axis'])] ?? toText(fields['axis'])
    return mark('warn', 'rewound', `${what} as at ${label ? `${label}, ` : ''}event ${seq}; nothing is erased`)
  },
  'session.forked': (fields) => mark('quiet', 'forked', `from ${toText(fields['parentId'])}: all above this line happened there`),
  'sandbox.state': (fields) => {
    const state = toText(fields['state'])
    if (state === 'GONE')
      return mark('quiet', 'sandbox gone', joined('it was removed; the next one begins from what is stored', fields['message']))
    const lost = toList(fields['lostCalls']).length
    const open = fields['isolated'] === false && state === 'RUNNING' ? 'WITHOUT ISOLATION' : ''
    const tone = state === 'LOST' ? 'bad' : open ? 'warn' : 'quiet'
    return mark(
      tone,
      `sandbox ${state.toLowerCase()}`,
      joined(fields['image'], fields['message'], open, lost > 0 ? `the effects of ${lost} calls are gone` : ''),
    )
  },
}

const REWOUND: Record<string, string> = {
  BOTH: 'files and conversation are',
  FILES: 'the files are',
  CONVERSATION: 'what the agent knows is',
}

const pathOf = (fields: Fields): string => `/workspace/${toText(fields['path'])}`.replace(/\/$/, '')

/** `budget.reached` writes the scope with its id behind a colon. */
const scopeOf = (fields: Fields): string => (toText(fields['scope']).split(':')[0] ?? '').toLowerCase()

const nanosToUsd = (nanos: string): string => {
  if (!/^\d+$/.test(nanos)) return nanos
  const digits = nanos.padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

const HEIGHTS: Record<Row['kind'], number> = { hidden: 0, message: 84, answer: 96, tool: 34, result: 34, verdict: 40, mark: 32 }
/** Of an event that has not been read yet. */
const UNREAD_HEIGHT = 34

/** What a row will be high, near enough that the scroll bar does not jump. */
export const estimateHeight = (event: LogEvent | undefined): number => (event ? HEIGHTS[toRow(event).kind] : UNREAD_HEIGHT)
