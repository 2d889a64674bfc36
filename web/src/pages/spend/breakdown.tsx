import { type ReactNode, useState } from 'react'
import { Button } from '../../components/button.tsx'
import { formatCount, formatDuration, formatUsd, toNumber } from '../../components/format.ts'
import type { BucketFragment } from '../../generated/graphql.ts'

const FIRST = 8
const MORE = 20

type Props = {
  title: string
  /** What a line is: agent, session, model. */
  noun: string
  buckets: BucketFragment[]
  nameOf: (bucket: BucketFragment) => ReactNode
  /** Something below a line's bar, such as its caps. */
  below?: (bucket: BucketFragment) => ReactNode
  note?: ReactNode
}

/** What each of a kind has spent, the most first, as a table with bars. */
export const Breakdown = ({ title, noun, buckets, nameOf, below, note }: Props) => {
  const [count, setCount] = useState(FIRST)
  const sorted = buckets.toSorted((one, other) => toNumber(other.costUsd) - toNumber(one.costUsd))
  const most = toNumber(sorted[0]?.costUsd ?? '0')
  return (
    <section className="card stack" aria-label={title}>
      <h2>{title}</h2>
      {note}
      {sorted.length === 0 ? (
        <p className="quiet small">Nothing was spent.</p>
      ) : (
        <table className="breakdown">
          <thead className="only-heard">
            <tr>
              <th scope="col">{noun}</th>
              <th scope="col">spent</th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, count).map((bucket) => (
              <tr key={bucket.key}>
                <th scope="row">
                  {nameOf(bucket)}
                  <Bar share={most === 0 ? 0 : toNumber(bucket.costUsd) / most} />
                  {below?.(bucket)}
                </th>
                <td className="number">
                  {formatUsd(bucket.costUsd)}
                  <div className="quiet small">{toAmount(bucket)}</div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {sorted.length > count && (
        <div>
          <Button size="small" onClick={() => setCount(count + MORE)}>
            Show {Math.min(MORE, sorted.length - count)} more of {sorted.length}
          </Button>
        </div>
      )}
    </section>
  )
}

const Bar = ({ share }: { share: number }) => (
  <svg className="breakdown-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
    <rect width={share * 100} height="4" />
  </svg>
)

/** Tokens in and out, or, of a sandbox, the time that it stood. */
const toAmount = (bucket: BucketFragment): string => {
  const read = bucket.inputTokens + bucket.cacheReadTokens + bucket.cacheWriteTokens
  if (read + bucket.outputTokens > 0) return `${formatCount(read)} in, ${formatCount(bucket.outputTokens)} out`
  return bucket.sandboxSeconds > 0 ? formatDuration(bucket.sandboxSeconds * 1_000) : ''
}
