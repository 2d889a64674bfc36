import { awaitCheckpoint, createCheckpoint } from '@longhaul/core/src/checkpoints/create-checkpoint.ts'
import type { Caller } from '@longhaul/core/src/sessions/change-session.ts'
import type { WorkerBench } from './start-worker-bench.ts'
import { waitUntil } from './wait-until.ts'

export type TakenCheckpoint = { checkpointId: string; imageId: string; ms: number }

/**
 * A person's checkpoint of a session that rests, and how long it took until it was whole. Returns when its archive is stored too, which
 * nobody waits for, but which would be measured with whatever comes next.
 */
export const takeCheckpoint = async ({ core, test }: WorkerBench, caller: Caller, sessionId: string): Promise<TakenCheckpoint> => {
  const askedAt = performance.timeOrigin + performance.now()
  const { checkpointId } = await createCheckpoint(core, caller, { sessionId, label: null })
  await awaitCheckpoint(core, { tenantId: caller.tenantId, checkpointId })
  await waitUntil(test, 'select snapshot_id is not null as done from checkpoint where id = $1', [checkpointId])
  const { rows } = await test.superuser.query<{ imageId: string; at: string }>(
    `select k.image_id as "imageId", extract(epoch from e.created_at) * 1000 as at from checkpoint k join event e on e.session_id = k.session_id
     where k.id = $1 and e.type = 'session.checkpointed' and e.payload->>'checkpointId' = k.id`,
    [checkpointId],
  )
  const [row] = rows
  if (row === undefined) throw new Error(`checkpoint ${checkpointId} is not in the log`)
  return { checkpointId, imageId: row.imageId, ms: Number(row.at) - askedAt }
}
