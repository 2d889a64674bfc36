import { useState } from 'react'
import { problemElsewhere, problemOf } from '../../api/problem.ts'
import { useAction } from '../../api/use-action.ts'
import { Button } from '../../components/button.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { TextField } from '../../components/field.tsx'
import { type BudgetPeriod, type BudgetScope, type CapFragment, SetBudgetDocument } from '../../generated/graphql.ts'
import { parsePercents } from './parse-percents.ts'

type Props = {
  scope: BudgetScope
  scopeId: string
  period: BudgetPeriod
  /** The cap that stands, or null for a new one. */
  cap: CapFragment | null
  onChanged: () => void
  onClose: () => void
}

/** A cap's two figures, at the place where the cap stands. */
export const CapForm = ({ scope, scopeId, period, cap, onChanged, onClose }: Props) => {
  const [limitUsd, setLimitUsd] = useState(cap?.limitUsd ?? '')
  const [alerts, setAlerts] = useState(cap?.alertPercents.join(', ') ?? '80, 100')
  const setBudget = useAction(SetBudgetDocument)
  const submit = async () => {
    const input = { scope, scopeId, period, limitUsd: limitUsd.trim(), alertPercents: parsePercents(alerts) }
    if (!(await setBudget.run({ input }))) return
    onChanged()
    onClose()
  }
  const { problem } = setBudget
  const elsewhere = problemElsewhere(problem, ['limitUsd', 'alertPercents'])
  return (
    <form
      className="cap-form"
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <TextField
        label="Cap in US dollars"
        inputMode="decimal"
        required
        autoFocus
        placeholder="25.00"
        value={limitUsd}
        onValue={setLimitUsd}
        error={problemOf(problem, 'limitUsd')}
      />
      <TextField
        label="Alerts at percent"
        pattern="\s*(\d+(\s*[,\s]\s*\d+)*)?\s*"
        title="Percentages, such as 80, 100; none for no alerts"
        value={alerts}
        onValue={setAlerts}
        error={problemOf(problem, 'alertPercents')}
      />
      <div className="row">
        <Button type="submit" kind="primary" busy={setBudget.busy}>
          {cap ? 'Save the cap' : 'Set the cap'}
        </Button>
        <Button onClick={onClose}>Close</Button>
      </div>
      {elsewhere && <ErrorNote error={elsewhere} />}
    </form>
  )
}
