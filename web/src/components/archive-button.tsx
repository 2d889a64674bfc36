import { useState } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

type Props = {
  what: string
  name: string
  /** Answers whether it is done. */
  archive: () => Promise<boolean>
  busy: boolean
  error: unknown
}

export const ArchiveButton = ({ what, name, archive, busy, error }: Props) => {
  const [asking, setAsking] = useState(false)
  return (
    <>
      <Button kind="danger" onClick={() => setAsking(true)}>
        Archive …
      </Button>
      {asking && (
        <Dialog
          title={`Archive the ${what}?`}
          submit={`Archive the ${what}`}
          danger
          busy={busy}
          error={error}
          onSubmit={() => void archive().then((done) => done && setAsking(false))}
          onClose={() => setAsking(false)}
        >
          <p>
            No new session may use <strong>{name}</strong>; those that do go on. It can’t be taken back.
          </p>
        </Dialog>
      )}
    </>
  )
}
