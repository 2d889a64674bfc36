import { useState } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { Button } from '../../components/button.tsx'
import { formatUsd } from '../../components/format.ts'
import { toSessionName } from '../../components/session-name.ts'
import { StatusPill } from '../../components/status-pill.tsx'
import { SpenderDocument } from '../../generated/graphql.ts'
import { Caps, PERIOD_WORDS } from './caps.tsx'

const useSpender = (id: string) => {
  const [{ data, fetching }, again] = useQuery({ query: SpenderDocument, variables: { id } })
  return { spender: data?.node, fetching, reload: () => again({ requestPolicy: 'network-only' }) }
}

/** Who spent: an agent or a session by name; by its id where it is gone. */
export const SpenderName = ({ id }: { id: string }) => {
  const { spender, fetching } = useSpender(id)
  if (spender === undefined && fetching) return <span className="quiet">…</span>
  if (spender && 'name' in spender) return <Link href={`/agents/${id}`}>{spender.name}</Link>
  if (spender && 'prompt' in spender)
    return (
      <span className="spender">
        <Link href={`/sessions/${id}`}>{toSessionName(spender)}</Link>
        <StatusPill status={spender.status} stopReason={spender.stopReason ?? null} />
      </span>
    )
  return <code className="small">{id}</code>
}

/** Its caps, opened where it stands in the list. */
export const SpenderCaps = ({ id }: { id: string }) => {
  const [open, setOpen] = useState(false)
  const { spender, reload } = useSpender(id)
  if (!(spender && 'budgets' in spender)) return null
  const isAgent = 'name' in spender
  const caps = spender.budgets.map(({ period, limitUsd }) => `${formatUsd(limitUsd)} ${PERIOD_WORDS[period]}`)
  return (
    <div className="spender-caps">
      <Button size="small" kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? 'Close the caps' : caps.length === 0 ? 'No cap …' : `Capped at ${caps.join(', ')} …`}
      </Button>
      {open && (
        <Caps
          title={isAgent ? `Caps of ${spender.name}` : 'Caps of this session'}
          scope={isAgent ? 'AGENT' : 'SESSION'}
          scopeId={id}
          budgets={spender.budgets}
          onChanged={reload}
        />
      )}
    </div>
  )
}
