import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { formatCount, formatDateTime, formatDuration, toWords } from '../../../components/format.ts'
import type { SessionStateFragment } from '../../../generated/graphql.ts'

/** What the session was made with, and what it has done so far. */
export const FactsCard = ({ session }: { session: SessionStateFragment }) => {
  const { agentVersion, environmentVersion, usage, sandbox } = session
  const facts: [string, ReactNode][] = [
    [
      'Agent',
      <>
        <Link href={`/agents/${session.agent.id}`}>{session.agent.name}</Link> v{agentVersion.version}, {agentVersion.model}
      </>,
    ],
    [
      'Environment',
      <>
        <Link href={`/environments/${session.environment.id}`}>{session.environment.name}</Link> v{environmentVersion.version},{' '}
        {environmentVersion.image}
      </>,
    ],
    ['Limits', `${environmentVersion.cpus} CPU, ${environmentVersion.memoryMb} MB, network ${toWords(environmentVersion.network)}`],
    ['Sandbox', sandbox ? `${toWords(sandbox.state)} (${sandbox.provider})` : 'none'],
    ['Turns', String(usage.turns)],
    ['Tool calls', String(usage.toolCalls)],
    [
      'Tokens',
      `${formatCount(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens)} in, ${formatCount(usage.outputTokens)} out`,
    ],
    ['Active', formatDuration(usage.activeSeconds * 1_000)],
    ['Created', formatDateTime(session.createdAt)],
    ['Id', session.id],
  ]
  return (
    <section className="card stack" aria-labelledby="facts-title">
      <h2 id="facts-title">Details</h2>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name} className="facts-pair">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
