import type { SessionStatus } from '../generated/graphql.ts'

/** What the platform calls what it does between tool calls, as people would. */
const WORDS: Record<string, string> = { model: 'waiting for the model', evaluating: 'judging its conditions' }

/** What a session is at: a tool call as the agent made it, else in words; a dash where it is at nothing. */
export const Activity = ({ status, activity }: { status: SessionStatus; activity: string | null }) => {
  const words = activity === null ? (status === 'QUEUED' ? 'waiting for its turn' : '–') : WORDS[activity]
  return words === undefined ? <span className="mono">{activity}</span> : <span className="quiet">{words}</span>
}
