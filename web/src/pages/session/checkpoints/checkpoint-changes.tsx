import { useState } from 'react'
import { usePages } from '../../../api/use-pages.ts'
import { Button } from '../../../components/button.tsx'
import { SelectField } from '../../../components/field.tsx'
import { formatWhole } from '../../../components/format.ts'
import { type CheckpointLineFragment, SessionDiffDocument, type SessionDiffQuery } from '../../../generated/graphql.ts'
import { FileChanges } from '../changes/file-changes.tsx'
import { toName } from './to-name.ts'

const NOW = ''
const pickFiles = ({ session }: SessionDiffQuery) => session?.diff

/** What the workspace has become since a checkpoint: until now, or until a later one. */
export const CheckpointChanges = (props: { sessionId: string; from: CheckpointLineFragment; later: CheckpointLineFragment[] }) => {
  const { sessionId, from, later } = props
  const [to, setTo] = useState(NOW)
  const pages = usePages(SessionDiffDocument, { variables: { id: sessionId, from: from.id, to: to || null }, pick: pickFiles })
  const until = later.find(({ id }) => id === to)
  return (
    <section className="checkpoint-changes stack" aria-label={`Changes since ${toName(from)}`}>
      <div className="row checkpoint-until">
        <SelectField label="Changes until" value={to} onValue={setTo}>
          <option value={NOW}>now</option>
          {later.map((checkpoint) => (
            <option key={checkpoint.id} value={checkpoint.id}>
              {checkpoint.label ? `${checkpoint.label}, event ${formatWhole(checkpoint.seq)}` : toName(checkpoint)}
            </option>
          ))}
        </SelectField>
        {to === NOW && (
          <Button size="small" kind="quiet" busy={pages.loading} onClick={pages.reload}>
            Look again
          </Button>
        )}
      </div>
      <FileChanges
        pages={pages}
        label={`Files that differ from ${toName(from)}`}
        none={`No file differs ${until ? `at ${toName(until)}` : 'now'}.`}
      />
    </section>
  )
}
