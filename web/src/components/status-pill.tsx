import type { SessionStatus, StopReason } from '../generated/graphql.ts'
import { toWords } from './format.ts'
import { toReasonWords } from './stop-reason.ts'

type Tone = 'busy' | 'good' | 'warn' | 'bad' | 'quiet'

const TONES: Record<SessionStatus, Tone> = {
  QUEUED: 'quiet',
  RUNNING: 'busy',
  IDLE: 'warn',
  PAUSED: 'warn',
  COMPLETED: 'good',
  FAILED: 'bad',
  CANCELED: 'quiet',
}

/** Reasons that say nothing more than their status does. */
const SILENT = new Set<StopReason>(['DONE', 'END_TURN', 'PAUSED_BY_USER', 'CANCELED_BY_USER'])

export const StatusPill = ({ status, stopReason = null }: { status: SessionStatus; stopReason?: StopReason | null }) => (
  <span className="pill" data-tone={TONES[status]}>
    {toWords(status)}
    {stopReason !== null && !SILENT.has(stopReason) && ` · ${toReasonWords(stopReason)}`}
  </span>
)
