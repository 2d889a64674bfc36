import { useEffect } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { formatUsd } from '../../components/format.ts'
import { toSessionName } from '../../components/session-name.ts'
import { PausedSessionsDocument } from '../../generated/graphql.ts'
import { SpenderCaps } from './spender.tsx'

/** Sessions that wait for money, with what may be raised beside them. */
export const StoppedByCaps = ({ tenantId, look }: { tenantId: string | undefined; look: number }) => {
  const [{ data }, again] = useQuery({ query: PausedSessionsDocument, variables: { tenantId }, requestPolicy: 'cache-and-network' })
  // biome-ignore lint/correctness/useExhaustiveDependencies: `look` asks to look again
  useEffect(() => again({ requestPolicy: 'network-only' }), [look, again])
  const stopped = data?.sessions.edges.map(({ node }) => node).filter(({ stopReason }) => stopReason === 'BUDGET_REACHED') ?? []
  if (stopped.length === 0) return null
  return (
    <section className="card stack stopped" aria-labelledby="stopped-title">
      <h2 id="stopped-title">
        {stopped.length} {stopped.length === 1 ? 'session waits' : 'sessions wait'} for a higher cap
        {data?.sessions.pageInfo.hasNextPage && ', at least'}
      </h2>
      <ul className="stack">
        {stopped.map(({ id, title, prompt, usage }) => (
          <li key={id}>
            <span className="row">
              <Link href={`/sessions/${id}`}>{toSessionName({ title, prompt })}</Link>
              <span className="quiet small number">{formatUsd(usage.costUsd)} spent</span>
            </span>
            <SpenderCaps id={id} />
          </li>
        ))}
      </ul>
    </section>
  )
}
