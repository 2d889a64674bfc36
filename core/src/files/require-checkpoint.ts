import type pg from 'pg'
import { notFound, PlatformError } from '../errors.ts'

/** One of the session's own whole checkpoints, or of those it inherits. Throws NOT_FOUND for any other, CONFLICT where its files are gone or spoilt; the tenant is set already. */
export const requireCheckpoint = async (
  client: pg.ClientBase,
  { sessionId, checkpointId }: { sessionId: string; checkpointId: string },
): Promise<void> => {
  const { rows } = await client.query<{ problem: string | null }>(
    `select k.problem from log_piece p join checkpoint k on k.session_id = p.source_session_id and k.seq between p.from_seq and p.to_seq
     where p.session_id = $1 and k.id = $2 and k.state = 'whole'`,
    [sessionId, checkpointId],
  )
  const [found] = rows
  if (found === undefined) throw notFound('checkpoint', checkpointId)
  if (found.problem !== null)
    throw new PlatformError('CONFLICT', `The files of checkpoint ${checkpointId} can't be had any more: ${found.problem}.`, {
      status: 'FAILED',
    })
}
