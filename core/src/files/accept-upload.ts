import type pg from 'pg'
import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import { PlatformError } from '../errors.ts'
import { type Caller, type CoreParts, changeSession, type LockedSession, refuseFinal, refuseSuspended } from '../sessions/change-session.ts'
import { nameContent } from './name-content.ts'
import type { StoredUpload } from './store-upload.ts'

/** Uploads of one session that no tool has met yet. They are put in one after the other, before the next tool: it would wait for long. */
const MAX_WAITING = 1_000
const RETRY_MS = 5_000

/**
 * What is stored becomes something that happened to the session: from here on it is durable, and a turn puts it in before its next tool
 * runs. `also` commits with it. Throws CONFLICT for a session that is over.
 */
export const acceptUpload = async (
  parts: CoreParts & { snapshots: SnapshotStore },
  { tenantId, keyId }: Caller,
  { sessionId, upload, also }: { sessionId: string; upload: StoredUpload; also?: (client: pg.ClientBase, seq: number) => Promise<void> },
): Promise<{ seq: number }> => {
  const { first } = await changeSession(parts, { tenantId, sessionId }, async (session, client) => {
    refuseUpload(session)
    await refuseWaiting(client, sessionId)
    await nameContent(client, parts.snapshots, upload.digest)
    await also?.(client, session.head + 1)
    return { events: [{ type: 'user.upload', actor: keyId, payload: upload }] }
  })
  return { seq: first }
}

export const refuseUpload = (session: LockedSession): void => {
  refuseSuspended(session)
  refuseFinal(session, 'given files')
}

const refuseWaiting = async (client: pg.ClientBase, sessionId: string): Promise<void> => {
  const { rows } = await client.query<{ waiting: number }>(
    'select count(*)::int as waiting from upload where session_id = $1 and placed_seq is null',
    [sessionId],
  )
  const waiting = rows[0]?.waiting ?? 0
  if (waiting < MAX_WAITING) return
  throw new PlatformError('RATE_LIMITED', `${waiting} uploads to session ${sessionId} wait for its next tool call already.`, {
    retryAfterMs: RETRY_MS,
  })
}
