import { useState } from 'react'
import { useAction } from '../../api/use-action.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { UpdateTenantDocument } from '../../generated/graphql.ts'
import type { TenantRow } from './tenant-row.ts'

/** Suspends after a question, and takes it back after one too: both change what runs. */
export const SuspendButton = ({ row, onChanged }: { row: TenantRow; onChanged: () => void }) => {
  const [asking, setAsking] = useState(false)
  const update = useAction(UpdateTenantDocument)
  const suspends = row.status === 'ACTIVE'
  const submit = async () => {
    if (!(await update.run({ input: { id: row.id, status: suspends ? 'SUSPENDED' : 'ACTIVE' } }))) return
    setAsking(false)
    onChanged()
  }
  const verb = suspends ? 'Suspend' : 'Resume'
  return (
    <>
      <Button size="small" kind={suspends ? 'danger' : 'plain'} aria-label={`${verb} ${row.name}`} onClick={() => setAsking(true)}>
        {verb} …
      </Button>
      {asking && (
        <Dialog
          title={`${verb} ${row.name}?`}
          submit={`${verb} the tenant`}
          danger={suspends}
          busy={update.busy}
          error={update.problem}
          onSubmit={() => void submit()}
          onClose={() => setAsking(false)}
        >
          <p>
            {suspends
              ? 'Its sessions spend nothing more: a call at hand finishes, no other starts. Its people may still read and stop what they have.'
              : 'Its sessions go on by themselves where they stopped.'}
          </p>
        </Dialog>
      )}
    </>
  )
}
