import { toWords } from '../../../components/format.ts'
import { toCount, toFields, toText } from '../log/read-payload.ts'
import type { LogEvent } from '../log/session-log.ts'
import { Evidence } from '../side/evidence.tsx'
import { Clock } from './clock.tsx'
import type { RowProps } from './row-props.ts'

/** One verdict; the first of its round stands under the round's head. */
export const VerdictRow = ({ event, companion, open, onToggle }: RowProps) => {
  const fields = toFields(event.payload)
  const verdict = toText(fields['verdict'])
  const tone = verdict === 'SATISFIED' ? 'good' : verdict === 'ERROR' ? 'warn' : 'bad'
  const round = toCount(fields['round'])
  return (
    <div className="verdict" data-tone={tone} data-type={event.type}>
      {startsRound(companion, round) && <header className="turn-head small">Evaluation, round {round}</header>}
      <button type="button" className="fold" aria-expanded={open} onClick={() => onToggle(event.seq)}>
        <span className="verdict-sign" aria-hidden="true">
          {verdict === 'SATISFIED' ? '✓' : verdict === 'ERROR' ? '!' : '✗'}
        </span>
        <span className="fold-summary">
          <strong>{toText(fields['name'])}</strong> <span className={tone}>{toWords(verdict)}</span>{' '}
          <span className="quiet">{toText(fields['explanation']).split('\n')[0]}</span>
        </span>
        {fields['isolated'] === false && <span className="warn small">without isolation</span>}
        <Clock event={event} />
      </button>
      {open && (
        <div className="fold-body">
          <Evidence explanation={toText(fields['explanation'])} evidence={fields['evidence']} />
        </div>
      )}
    </div>
  )
}

const startsRound = (before: LogEvent | undefined, round: number | null): boolean =>
  before?.type !== 'condition.evaluated' || toFields(before.payload)['round'] !== round
