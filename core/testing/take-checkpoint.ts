import type { Database } from '@longhaul/prisma/src/client.ts'
import { beginCheckpoint } from '../src/checkpoints/begin-checkpoint.ts'
import { findOpenCalls } from '../src/checkpoints/find-open-calls.ts'
import { recordCheckpoint } from '../src/checkpoints/record-checkpoint.ts'
import { createId } from '../src/ids.ts'
import { readContext } from '../src/log/read-events.ts'

/** A whole checkpoint of a session that nobody runs, as a worker takes one, without any files. */
export const takeCheckpoint = async (db: Database, of: { tenantId: string; sessionId: string }): Promise<{ id: string; seq: number }> => {
  const id = createId('ckp')
  const begun = await beginCheckpoint(db, { ...of, epoch: null, workerId: 'wrk_test', checkpoint: { id, trigger: 'FORK' } })
  if (begun.refused !== undefined) throw new Error(`the checkpoint was refused: ${begun.refused}`)
  const { epoch, seq, threadId, engineId: _, sandboxId: __, ...context } = begun
  const events = await readContext(db, { ...of, threadId, fromSeq: context.contextFromSeq })
  const recorded = await recordCheckpoint(db, {
    tenantId: of.tenantId,
    checkpointId: id,
    taken: { epoch, seq, context: { ...context, openCalls: findOpenCalls(events) }, imageId: null, engineId: null, snapshotId: null },
  })
  if (recorded.refused !== undefined) throw new Error(`the checkpoint was not recorded: ${recorded.refused}`)
  return { id, seq }
}
