import { useState } from 'react'
import { Link } from 'wouter'
import { Button } from '../../../components/button.tsx'
import { formatBytes, formatWhole } from '../../../components/format.ts'
import { toSessionName } from '../../../components/session-name.ts'
import { SpendMeter } from '../../../components/spend-meter.tsx'
import { StatusPill } from '../../../components/status-pill.tsx'
import { TimeAgo } from '../../../components/time-ago.tsx'
import type { CheckpointLineFragment, ForkLineFragment } from '../../../generated/graphql.ts'
import { toLowestCap } from '../../sessions/to-lowest-cap.ts'
import { CheckpointChanges } from './checkpoint-changes.tsx'
import { toName, toReason } from './to-name.ts'

type Props = {
  sessionId: string
  checkpoint: CheckpointLineFragment
  later: CheckpointLineFragment[]
  forks: ForkLineFragment[]
  onAsk: Ask | null
}
type Ask = (what: 'fork' | 'rewind') => void

/** One point of the session's way, and who went on from there. */
export const CheckpointItem = ({ sessionId, checkpoint, later, forks, onAsk }: Props) => {
  const { seq, label, trigger, sizeBytes, createdAt } = checkpoint
  const name = toName(checkpoint)
  const [compares, setCompares] = useState(false)
  return (
    <li className="checkpoint">
      <div className="row">
        <span className="checkpoint-name">
          {label ? <strong>{label}</strong> : <span>{toReason(trigger)}</span>}
          <span className="quiet small number">
            event {formatWhole(seq)} · <TimeAgo iso={createdAt} /> ago
            {label && ` · ${toReason(trigger)}`}
            {sizeBytes > 0 && ` · ${formatBytes(sizeBytes)}`}
          </span>
        </span>
        <span className="row push">
          <Button
            size="small"
            kind="quiet"
            aria-expanded={compares}
            aria-label={`Changes since ${name}`}
            onClick={() => setCompares(!compares)}
          >
            Changes
          </Button>
          {onAsk && (
            <>
              <Button size="small" aria-label={`Rewind to ${name}`} onClick={() => onAsk('rewind')}>
                Rewind …
              </Button>
              <Button size="small" aria-label={`Fork from ${name}`} onClick={() => onAsk('fork')}>
                Fork …
              </Button>
            </>
          )}
        </span>
      </div>
      {compares && <CheckpointChanges sessionId={sessionId} from={checkpoint} later={later} />}
      {forks.length > 0 && (
        <ul className="checkpoints-forks" aria-label={`Forks from ${name}`}>
          {forks.map((fork) => (
            <ForkItem key={fork.id} sessionId={sessionId} fork={fork} />
          ))}
        </ul>
      )}
    </li>
  )
}

export const ForkItem = ({ sessionId, fork }: { sessionId: string; fork: ForkLineFragment }) => (
  <li className="fork row">
    <Link className="fork-title" href={`/sessions/${fork.id}`}>
      {toSessionName(fork)}
    </Link>
    <StatusPill status={fork.status} stopReason={fork.stopReason} />
    <span className="fork-spend">
      <SpendMeter spentUsd={fork.usage.costUsd} reservedUsd={fork.usage.reservedUsd} limitUsd={toLowestCap(fork.budgets)} />
    </span>
    <Link className="small push" href={`/sessions/${sessionId}/beside/${fork.id}`}>
      Compare
    </Link>
  </li>
)
