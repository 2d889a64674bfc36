import { formatDuration, toWords } from '../../../components/format.ts'
import { type Fields, toCount, toFields, toText } from '../log/read-payload.ts'
import { Clock } from './clock.tsx'
import type { RowProps } from './row-props.ts'
import { Terminal } from './terminal.tsx'
import { summarizeInput, ToolInput } from './tool-input.tsx'

/** A tool call and its result: one telling line, the rest on demand. */
export const ToolRow = ({ event, companionSeq, companion, open, onToggle }: RowProps) => {
  const call = toFields(event.payload)
  const name = toText(call['name'])
  const result = companion && toFields(companion.payload)
  const failed = result !== undefined && (result['outcome'] !== 'done' || result['isError'] === true)
  return (
    <div className="tool" data-state={companionSeq === undefined ? 'running' : failed ? 'failed' : 'done'}>
      <button type="button" className="fold" aria-expanded={open} onClick={() => onToggle(event.seq)}>
        <span className="fold-name">{name}</span>
        <span className="fold-summary mono">{summarizeInput(name, toFields(call['input']))}</span>
        <span className={`fold-end number ${failed ? 'bad' : 'quiet'}`}>
          {result ? outcomeOf(result) : companionSeq === undefined ? 'running …' : ''}
        </span>
        <Clock event={event} />
      </button>
      {open && (
        <div className="fold-body">
          <ToolInput name={name} input={toFields(call['input'])} />
          {result && <Output result={result} />}
        </div>
      )}
    </div>
  )
}

/** The result of a call that never began. */
export const LoneResultRow = ({ event, open, onToggle }: RowProps) => {
  const result = toFields(event.payload)
  return (
    <div className="tool" data-state="failed">
      <button type="button" className="fold" aria-expanded={open} onClick={() => onToggle(event.seq)}>
        <span className="fold-name">tool call</span>
        <span className="fold-summary">{toText(result['output']).slice(0, 300)}</span>
        <span className="fold-end bad">{outcomeOf(result)}</span>
        <Clock event={event} />
      </button>
      {open && (
        <div className="fold-body">
          <Output result={result} />
        </div>
      )}
    </div>
  )
}

const outcomeOf = (result: Fields): string => {
  const exitCode = toCount(result['exitCode'])
  const durationMs = toCount(result['durationMs'])
  const outcome = toText(result['outcome'])
  return [
    outcome === 'done' ? '' : toWords(outcome),
    exitCode !== null && exitCode !== 0 ? `exit ${exitCode}` : '',
    outcome === 'done' && exitCode === null && result['isError'] === true ? 'error' : '',
    durationMs === null ? '' : formatDuration(durationMs),
  ]
    .filter(Boolean)
    .join(' · ')
}

const Output = ({ result }: { result: Fields }) => {
  const output = toText(result['output'])
  const file = toText(result['outputFile'])
  return (
    <>
      {output === '' ? <p className="quiet small">no output</p> : <Terminal output={output} />}
      {file && <p className="quiet small">Cut in the middle; all of it is in {file} in the workspace.</p>}
    </>
  )
}
