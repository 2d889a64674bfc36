import { Button } from '../../../components/button.tsx'
import { SelectField } from '../../../components/field.tsx'
import { formatClock, toWords } from '../../../components/format.ts'
import { toFields, toText } from '../log/read-payload.ts'
import type { LogEvent, SessionLog } from '../log/session-log.ts'
import { toRow } from './to-row.ts'

/** Verdicts, budget events, errors, sandbox events and statuses, to jump to. */
export const MarksMenu = ({ log, onJump, onStart }: { log: SessionLog; onJump: (seq: number) => void; onStart: () => void }) => (
  <div className="marks-menu row">
    <SelectField label="Jump to a mark" hideLabel value="" onValue={(seq) => onJump(Number(seq))}>
      <option value="">Jump to … ({log.marks().length} marks)</option>
      {log.marks().map((event) => (
        <option key={event.seq} value={event.seq}>
          {formatClock(event.createdAt)} {toWordsOf(event)}
        </option>
      ))}
    </SelectField>
    <Button size="small" kind="quiet" onClick={onStart}>
      ↑ Beginning
    </Button>
    <span className="quiet small number push">{log.head().toLocaleString()} events</span>
  </div>
)

const toWordsOf = (event: LogEvent): string => {
  const row = toRow(event)
  if (row.kind === 'mark') return `${row.label} ${row.text}`.slice(0, 80)
  const fields = toFields(event.payload)
  return `${toText(fields['name'])}: ${toWords(toText(fields['verdict']))}`
}
