import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { type Caller, type CoreParts, changeSession, refuseFinal } from '../sessions/change-session.ts'

/** How long a worker may take, and how often the row is looked at meanwhile. A running tool call has to end first. */
const PATIENCE_MS = 30_000
const LOOK_MS = 40

/** A session that nobody serves must not gather wishes. */
const MAX_ASKED = 10
const ASKED_RETRY_MS = 5_000

/**
 * Asks for a checkpoint: a row that a worker of the session's engine takes, at once where no turn runs, else before the running turn
 * next asks the model. `before` runs in the same transaction: the idempotency key is kept there.
 */
export const createCheckpoint = async (
  parts: CoreParts,
  caller: Caller,
  { sessionId, label }: { sessionId: string; label: string | null },
  before?: (client: pg.ClientBase, checkpointId: string) => Promise<void>,
): Promise<{ checkpointId: string }> => {
  const checkpointId = createId('ckp')
  await changeSession(parts, { tenantId: caller.tenantId, sessionId }, async (session, client) => {
    refuseFinal(session, 'checkpointed')
    await before?.(client, checkpointId)
    const { rows } = await client.query<{ asked: number }>(
      "select count(*)::int as asked from checkpoint where session_id = $1 and state in ('asked', 'taking') and trigger = 'MANUAL'",
      [sessionId],
    )
    if ((rows[0]?.asked ?? 0) >= MAX_ASKED)
      throw new PlatformError('RATE_LIMITED', `${MAX_ASKED} checkpoints of session ${sessionId} are being taken already.`, {
        retryAfterMs: ASKED_RETRY_MS,
      })
    await client.query(
      "insert into checkpoint (id, tenant_id, session_id, thread_id, state, label, trigger, actor) values ($1, $2, $3, $4, 'asked', $5, 'MANUAL', $6)",
      [checkpointId, caller.tenantId, sessionId, session.primaryThreadId, label, caller.keyId],
    )
    return null
  })
  parts.announcer.announceControl(sessionId)
  return { checkpointId }
}

/**
 * Resolves once the checkpoint is whole. Throws UNAVAILABLE where no worker could take it in time (it is still asked for: the same
 * idempotency key finds it), CONFLICT where it can't be taken at all.
 */
export const awaitCheckpoint = async (
  parts: Pick<CoreParts, 'db'>,
  { tenantId, checkpointId }: { tenantId: string; checkpointId: string },
): Promise<void> => {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const { rows } = await parts.db.app.query<{ found: { state: string; problem: string | null } | null }>(
      'select read_checkpoint_state($1, $2) as found',
      [tenantId, checkpointId],
    )
    const found = rows[0]?.found ?? null
    if (found?.state === 'whole') return
    if (found === null || found.state === 'failed')
      throw new PlatformError('CONFLICT', `Checkpoint ${checkpointId} could not be taken: ${found?.problem ?? 'it is gone'}.`, {
        status: 'FAILED',
      })
    if (Date.now() > until)
      throw new PlatformError(
        'UNAVAILABLE',
        `Checkpoint ${checkpointId} is asked for, and no worker has taken it yet: a tool call may still run.`,
      )
    await sleep(LOOK_MS)
  }
}
