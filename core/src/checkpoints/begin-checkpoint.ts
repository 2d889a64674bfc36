import type { Database } from '@longhaul/prisma/src/client.ts'
import { retrySerialization } from '../log/append-events.ts'
import type { CheckpointStart, PlatformTrigger } from './checkpoint.ts'

export type BeginCheckpoint = {
  tenantId: string
  sessionId: string
  /** The claim under which it is taken; null where nobody may hold one. */
  epoch: number | null
  /** The lease under which it is taken: with the worker dead, somebody else takes it. */
  workerId: string
  /** A wish that is asked for, or with its trigger one of the platform's own, which is added. */
  checkpoint: { id: string; trigger?: PlatformTrigger }
}

/** Takes a wish and says where the log stands. Refusals are answers: `held` by a running turn, `taken` by somebody else. */
export const beginCheckpoint = async (
  db: Pick<Database, 'app'>,
  { tenantId, sessionId, epoch, workerId, checkpoint }: BeginCheckpoint,
): Promise<{ refused: 'not_found' | 'held' | 'taken' } | ({ refused?: undefined } & CheckpointStart)> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ result: { refused: 'not_found' | 'held' | 'taken' } | CheckpointStart }>(
      'select begin_checkpoint($1, $2, $3, $4, $5::jsonb) as result',
      [tenantId, sessionId, epoch, workerId, JSON.stringify(checkpoint)],
    ),
  )
  return (rows[0] as (typeof rows)[number]).result
}
