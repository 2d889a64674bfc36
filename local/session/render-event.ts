// How each event of the log reads in a terminal: a pure function from event to lines. Colour is added by paint-line.ts.
import { cleanLine, cleanText, cutLine } from './clean-text.ts'
import type { SessionEvent } from './session-update.ts'

export type Tone = 'plain' | 'quiet' | 'good' | 'bad' | 'warn' | 'strong'
/** `label` is who or what, `text` what happened; an empty label continues the line above. */
export type Line = { mark: string; label: string; text: string; tone: Tone }

type Payload = Record<string, unknown>
type Renderer = (payload: Payload) => Line[]

/** Lines of a tool's output that are shown: its end, because that is where a result or an error stands. */
const OUTPUT_LINES = 6
/** Longer lines are cut: a minified file would fill the screen. */
const MAX_COLUMNS = 160

/** The lines of an event; none for what only machines care about. A type not known here is shown by its name. */
export function renderEvent(event: SessionEvent): Line[] {
  const render = renderers[event.type]
  if (render) return render(toRecord(event.payload))
  return [{ mark: '·', label: cleanLine(event.type), text: '', tone: 'quiet' }]
}

const renderers: Record<string, Renderer> = {
  'session.created': () => [],
  'session.checkpointed': (payload) => [line('⚑', 'checkpoint', joined(payload.label, `after event ${toText(payload.seq)}`), 'good')],
  'session.forked': (payload) => [
    line('⑂', 'fork', joined(`of ${toText(payload.parentId)}`, `after event ${toText(payload.seq)}`), 'strong'),
  ],
  'session.rewound': (payload) => [
    line('↺', 'rewound', joined(toText(payload.axis).toLowerCase(), payload.label, `to after event ${toText(payload.seq)}`), 'strong'),
  ],
  'session.status': (payload) => renderStatus(payload),
  'user.message': (payload) => block('▸', 'you', toText(payload.text), 'strong'),
  'user.message_read': () => [],
  'user.interrupt': () => [line('▸', 'you', 'interrupted', 'warn')],
  'agent.message': (payload) => textsOf(payload).flatMap((text) => block('◆', 'agent', text, 'plain')),
  'agent.tool_call': (payload) => [line('⚙', toText(payload.name) || 'tool', summarizeInput(payload.input), 'plain')],
  'agent.reset': () => [line('·', 'context', 'begun afresh with a hand-off', 'quiet')],
  'agent.tool_result': (payload) => renderResult(payload),
  'agent.compacted': () => [line('·', 'context', 'compacted', 'quiet')],
  'sandbox.state': (payload) => renderSandbox(payload),
  'user.upload': (payload) => [line('⇡', 'file', joined(toPath(payload), payload.kind, `${toText(payload.sizeBytes)} bytes`), 'strong')],
  'user.upload_placed': (payload) =>
    (Array.isArray(payload.refused) ? payload.refused : [])
      .map(toRecord)
      .map((refused) => line('✗', 'file', toText(refused.reason), 'bad')),
  'condition.added': (payload) => [line('○', 'condition', joined(payload.name, payload.kind), 'quiet')],
  'condition.evaluated': (payload) => renderVerdict(payload),
  'condition.waived': (payload) => [line('○', 'condition', joined(payload.name, 'waived', payload.reason), 'warn')],
  'budget.alert': (payload) => [line('$', 'budget', `${toText(payload.percent)} % of the ${scopeOf(payload)} cap`, 'warn')],
  'budget.reached': (payload) => [line('$', 'budget', `the ${scopeOf(payload)} cap is reached: nothing more is spent`, 'bad')],
  'budget.raised': (payload) => [line('$', 'budget', `the ${scopeOf(payload)} cap was raised`, 'good')],
  'harness.error': (payload) => [line('!', 'platform', joined(toText(payload.next).replace('_', ' '), payload.message), 'warn')],
}

function renderStatus(payload: Payload): Line[] {
  const status = toText(payload.status)
  const tones: Record<string, Tone> = { COMPLETED: 'good', FAILED: 'bad', CANCELED: 'bad', PAUSED: 'warn', IDLE: 'strong' }
  // Queued and running alternate with every stretch of work: that is the machinery's rhythm, not the person's.
  if (!tones[status]) return []
  return [line('■', 'session', joined(status, payload.stopReason, payload.reason), tones[status])]
}

function renderResult(payload: Payload): Line[] {
  const failed = payload.outcome !== 'done' || payload.isError === true
  const facts = [
    payload.outcome === 'done' ? '' : toText(payload.outcome).replace('_', ' '),
    typeof payload.exitCode === 'number' ? `exit ${payload.exitCode}` : '',
    typeof payload.durationMs === 'number' ? `${(payload.durationMs / 1000).toFixed(1)} s` : '',
    payload.outputFile ? `all of it in ${toText(payload.outputFile)}` : '',
  ]
  const output = cleanText(toText(payload.output)).trimEnd().split('\n')
  const head = line(failed ? '✗' : '←', '', facts.filter(Boolean).join(' · ') || 'done', failed ? 'bad' : 'quiet')
  return [head, ...excerpt(output, 0)]
}

function renderSandbox(payload: Payload): Line[] {
  const state = toText(payload.state)
  const lost = Array.isArray(payload.lostCalls) && payload.lostCalls.length > 0 ? `${payload.lostCalls.length} calls' effects are gone` : ''
  const from =
    typeof payload.checkpointSeq === 'number' && state !== 'SUSPENDED' ? `from the checkpoint after event ${payload.checkpointSeq}` : ''
  const lines = [
    line('▣', 'sandbox', joined(state.toLowerCase(), payload.provider, from, payload.message, lost), state === 'LOST' ? 'bad' : 'quiet'),
  ]
  if (payload.isolated === false && state === 'RUNNING') lines.push(line('!', '', 'no isolation: tools run on this machine itself', 'warn'))
  return lines
}

function toPath(payload: Payload): string {
  return `/workspace/${toText(payload.path)}`.replace(/\/$/, '')
}

function scopeOf(payload: Payload): string {
  return toText(payload.scope).toLowerCase()
}

function renderVerdict(payload: Payload): Line[] {
  const verdict = toText(payload.verdict)
  const name = toText(payload.name) || toText(payload.conditionId)
  const tone = verdict === 'SATISFIED' ? 'good' : verdict === 'ERROR' ? 'warn' : 'bad'
  const mark = verdict === 'SATISFIED' ? '✓' : '✗'
  const unguarded = payload.isolated === false ? line('!', '', 'checked without isolation', 'warn') : undefined
  // The first line says what came out, the last ones why.
  const reasons = verdict === 'SATISFIED' ? [] : excerpt(cleanText(toText(payload.explanation)).trim().split('\n'), 1)
  return [line(mark, 'condition', joined(name, verdict), tone), ...(unguarded ? [unguarded] : []), ...reasons]
}

/** The text blocks of an agent's message; tool calls are events of their own. */
export function textsOf(payload: Payload): string[] {
  const texts = (Array.isArray(payload.content) ? payload.content : []).map(toRecord).filter((block) => block.type === 'text')
  return texts.map((block) => toText(block.text)).filter((text) => text.trim() !== '')
}

/** A tool's input by what tells most: the command, the path, else its JSON. */
function summarizeInput(input: unknown): string {
  const fields = toRecord(input)
  const telling = fields.command ?? fields.file_path ?? fields.pattern ?? fields.query ?? fields.question
  return cleanLine(typeof telling === 'string' ? telling : JSON.stringify(input ?? {}))
}

/** At most `OUTPUT_LINES` of these lines: the first `head` and the last ones, and how many are left out. Empty ones are. */
function excerpt(lines: string[], head: number): Line[] {
  const full = lines.filter((text) => text.trim() !== '')
  const tail = OUTPUT_LINES - head
  const left = full.length - OUTPUT_LINES
  const shown = left > 0 ? [...full.slice(0, head), `… ${left} more lines`, ...full.slice(-tail)] : full
  return shown.map((text) => ({ mark: '', label: '', text: cutLine(text, MAX_COLUMNS), tone: 'quiet' }))
}

function block(mark: string, label: string, text: string, tone: Tone): Line[] {
  const lines = cleanText(text).trim().split('\n')
  return lines.map((part, index) => ({ mark: index === 0 ? mark : '', label: index === 0 ? label : '', text: part, tone }))
}

function line(mark: string, label: string, text: string, tone: Tone): Line {
  return { mark, label: cleanLine(label, 20), text: cleanLine(text, MAX_COLUMNS), tone }
}

function joined(...parts: unknown[]): string {
  return parts.map(toText).filter(Boolean).join(' · ')
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

export function toRecord(value: unknown): Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Payload) : {}
}
