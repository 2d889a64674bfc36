import { useStore } from '../../../api/store.ts'
import { Button } from '../../../components/button.tsx'
import type { Transfer, Transfers } from './transfers.ts'

/** What comes and goes, newest first: how far it is, and what became of it. */
export const TransferList = ({ transfers }: { transfers: Transfers }) => {
  const list = useStore(transfers.list)
  if (list.length === 0) return null
  return (
    <ul className="transfers" aria-label="Uploads and downloads">
      {list.map((transfer) => (
        <TransferItem key={transfer.id} transfer={transfer} transfers={transfers} />
      ))}
    </ul>
  )
}

const TransferItem = ({ transfer, transfers }: { transfer: Transfer; transfers: Transfers }) => {
  const { id, way, path, share, state, problem } = transfer
  const name = path.slice(path.lastIndexOf('/') + 1)
  const over = state === 'done' || state === 'failed'
  return (
    <li className="transfer" data-state={state}>
      <div className="row">
        <span className="transfer-name" title={path}>
          <span aria-hidden="true">{way === 'up' ? '↑' : '↓'}</span> <span className="mono">{name}</span>
        </span>
        <span className="row push">
          {state === 'failed' && (
            <Button size="small" aria-label={`Try ${name} again`} onClick={() => transfers.again(id)}>
              Try again
            </Button>
          )}
          <Button size="small" kind="quiet" aria-label={`${over ? 'Dismiss' : 'Stop'} ${name}`} onClick={() => transfers.drop(id)}>
            {over ? 'Dismiss' : 'Stop'}
          </Button>
        </span>
      </div>
      {!over && (
        <progress aria-label={`${way === 'up' ? 'Upload' : 'Download'} of ${name}`} max={1} value={share > 0 ? share : undefined} />
      )}
      <p className={`small ${problem ? 'bad' : 'quiet'}`} role="status">
        {problem ? problem.message : toWords(transfer)}
      </p>
    </li>
  )
}

const toWords = ({ way, share, state, note }: Transfer): string => {
  if (state === 'lost') return 'The connection is lost. It goes on where it stood once it is back.'
  if (state === 'done') {
    if (way === 'down') return note === null ? 'Saved.' : `Saved; ${note}.`
    return 'Sent. The agent finds it from its next tool call on.'
  }
  return `${way === 'up' ? 'Sending' : 'Fetching'} … ${share > 0 ? `${Math.floor(share * 100)} %` : ''}`.trim()
}
