import { memo } from 'react'
import { Button } from '../../../components/button.tsx'
import { SelectField } from '../../../components/field.tsx'
import { formatClock, formatWhole, toWords } from '../../../components/format.ts'
import { toFields, toText } from '../log/read-payload.ts'
import type { LogEvent } from '../log/session-log.ts'
import { toRow } from './to-row.ts'

type Props = { marks: readonly LogEvent[]; head: number; onJump: (seq: number) => void; onStart: () => void }

/** Verdicts, budget events, errors, sandbox events and statuses, to jump to. */
export const MarksMenu = memo(({ marks, head, onJump, onStart }: Props) => (
  <div className="marks-menu row">
    <SelectField label="Jump to a mark" hideLabel value="" onValue={(seq) => onJump(Number(seq))}>
      <option value="">
        Jump to … ({marks.length} {marks.length === 1 ? 'mark' : 'marks'})
      </option>
      {marks.map((event) => (
        <option key={event.seq} value={event.seq}>
          {formatClock(event.createdAt)} {toWordsOf(event)}
        </option>
      ))}
    </SelectField>
    <Button size="small" kind="quiet" onClick={onStart}>
      ↑ Beginning
    </Button>
    <span className="quiet small number push marks-count">{formatWhole(head)} events</span>
  </div>
))

const toWordsOf = (event: LogEvent): string => {
  const row = toRow(event)
  if (row.kind === 'mark') return `${row.label} ${row.text}`.slice(0, 80)
  const fields = toFields(event.payload)
  return `${toText(fields['name'])}: ${toWords(toText(fields['verdict']))}`
}
