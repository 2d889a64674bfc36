import { useState } from 'react'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { useAction } from '../../api/use-action.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { formatDateTime, toWords } from '../../components/format.ts'
import { TimeAgo } from '../../components/time-ago.tsx'
import { type ApiKeysQuery, RevokeApiKeyDocument } from '../../generated/graphql.ts'
import { toKeyState } from './key-state.ts'

export type KeyRow = NonNullable<ApiKeysQuery['tenant']>['apiKeys']['edges'][number]['node']

type Props = { rows: KeyRow[]; mayRevoke: boolean; onRevoked: () => void }

export const KeyTable = ({ rows, mayRevoke, onRevoked }: Props) => {
  const { viewer } = useSignedIn()
  const [asking, setAsking] = useState<KeyRow | null>(null)
  return (
    <div className="table-wrap">
      <table className="table fold-table">
        <caption className="only-heard">API keys, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Role</th>
            <th scope="col">State</th>
            <th scope="col">Begins with</th>
            <th scope="col">Made</th>
            <th scope="col">Last used</th>
            <th scope="col">Expires</th>
            {mayRevoke && (
              <th scope="col">
                <span className="only-heard">Revoke</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} data-faded={Boolean(row.revokedAt)}>
              <th scope="row">
                {row.name}
                {row.id === viewer.apiKey?.id && <span className="quiet small"> yours, now</span>}
              </th>
              <td data-label="Role">{toWords(row.role)}</td>
              <td data-label="State">
                <StatePill row={row} />
              </td>
              <td data-label="Begins with" className="mono">
                {row.prefix}
              </td>
              <td data-label="Made">
                <span>
                  <TimeAgo iso={row.createdAt} /> ago
                </span>
              </td>
              <td data-label="Last used">{row.lastUsedAt ? <LastUsed iso={row.lastUsedAt} /> : <span className="quiet">never</span>}</td>
              <td data-label="Expires">{row.expiresAt ? formatDateTime(row.expiresAt) : <span className="quiet">never</span>}</td>
              {mayRevoke && (
                <td className="end">
                  {!row.revokedAt && (
                    <Button size="small" kind="danger" aria-label={`Revoke ${row.name}`} onClick={() => setAsking(row)}>
                      Revoke …
                    </Button>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {asking && <RevokeDialog row={asking} own={asking.id === viewer.apiKey?.id} onClose={() => setAsking(null)} onRevoked={onRevoked} />}
    </div>
  )
}

const TONES = { usable: 'good', expired: 'warn', revoked: 'quiet' }

const StatePill = ({ row }: { row: KeyRow }) => {
  const state = toKeyState({ expiresAt: row.expiresAt ?? null, revokedAt: row.revokedAt ?? null }, Date.now())
  return (
    <span className="pill" data-tone={TONES[state]} title={row.revokedAt ? `Revoked ${formatDateTime(row.revokedAt)}` : undefined}>
      {state}
    </span>
  )
}

const LastUsed = ({ iso }: { iso: string }) => (
  <span>
    <TimeAgo iso={iso} /> ago
  </span>
)

const RevokeDialog = ({ row, own, onClose, onRevoked }: { row: KeyRow; own: boolean; onClose: () => void; onRevoked: () => void }) => {
  const revoke = useAction(RevokeApiKeyDocument)
  const submit = async () => {
    if (!(await revoke.run({ input: { id: row.id } }))) return
    onClose()
    onRevoked()
  }
  return (
    <Dialog
      title={`Revoke the key “${row.name}”?`}
      submit="Revoke the key"
      danger
      busy={revoke.busy}
      error={revoke.problem}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <p>From now on it opens nothing. It can’t be taken back; another key can be made.</p>
      {own && (
        <p className="note" data-tone="warn">
          It is the key that you are signed in with: you will be signed out.
        </p>
      )}
    </Dialog>
  )
}
