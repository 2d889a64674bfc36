/**
 * Owns how an engine is emptied, before its machine goes or is upgraded: nobody takes anything more there, every sandbox becomes a stored
 * checkpoint, and then its sessions are anybody's. Must never let go of a session whose files it could have stored.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { findUnarchived } from '@longhaul/core/src/checkpoints/find-asked-checkpoints.ts'
import { beginDrain, endDrain, isDrainedBy } from '@longhaul/core/src/turns/drains.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { archiveCheckpoint, archivesSettled } from '../checkpoints/archive-checkpoint.ts'
import { type Suspendable, suspendSession } from '../checkpoints/suspend-session.ts'
import { ActiveTurns } from '../consumers/active-turns.ts'
import { keepLease } from '../consumers/keep-lease.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { findUnstored } from './find-unstored.ts'

const LOOK_MS = 250
/** What still refuses after so many passes can't be stored. */
const MAX_PASSES = 3
/** So many at once: each reads and writes a sandbox's whole layer. */
const AT_ONCE = 2

/** What could not be kept goes on from its checkpoint before, and its agent is told. */
export type Drained = { stored: number; failed: string[] }

/** The engine is not emptied any more: a worker has started on it, or this process was away for longer than its lease lives. */
export class DrainEndedError extends Error {}

/**
 * Resolves once the engine is empty. Turns that run there end by themselves first: give their workers a signal where that takes too long.
 * From then on anybody takes its sessions, until a worker starts on it again. Should this process die, the engine's workers go on as before.
 */
export const drainEngine = async (parts: TurnParts, { leaseMs, renewMs }: { leaseMs: number; renewMs: number }): Promise<Drained> => {
  const { db, logger, sandboxes } = parts
  const engineId = await sandboxes.provider.engineId()
  // While it lives the engine is not away. It claims nothing.
  const lease = await keepLease({ ...parts, active: new ActiveTurns() }, { kind: 'suspect', engineId, leaseMs, renewMs })
  const drain = { engineId, workerId: lease.workerId() }
  try {
    if (!(await beginDrain(db, drain))) throw new DrainEndedError(`engine ${engineId} is being emptied by another process`)
    const emptied = new Set<string>()
    for (let pass = 1; ; pass++) {
      for (let waited = 0; (await countRunning(db, drain)) > 0; waited += LOOK_MS) {
        if (waited % 10_000 === 0) logger.info({ engineId, turns: await countRunning(db, drain) }, 'turns at hand may end')
        await sleep(LOOK_MS)
      }
      const refused = await suspendAll(parts, { ...drain, emptied })
      await archivesSettled()
      await archiveLeft(parts, engineId)
      // Who had asked for a claim before it began may have got it after the look; and what another suspends at this moment is refused here.
      if ((await countRunning(db, drain)) === 0 && (refused === 0 || pass >= MAX_PASSES)) break
    }
    const left = (await findSandboxes(db, engineId)).map(({ sessionId }) => sessionId).filter((sessionId) => !emptied.has(sessionId))
    const failed = new Set([...left, ...(await findUnstored(db, engineId))])
    if (!(await endDrain(db, drain))) throw ended(engineId)
    return { stored: [...emptied].filter((sessionId) => !failed.has(sessionId)).length, failed: [...failed] }
  } finally {
    await lease.stop()
  }
}

const ended = (engineId: string) =>
  new DrainEndedError(`engine ${engineId} is not emptied any more: a worker has started on it, or the lease ran out`)

/** Every sandbox becomes a checkpoint. Returns how many did not, because something else was under way with them. */
const suspendAll = async (
  parts: TurnParts,
  { engineId, workerId, emptied }: { engineId: string; workerId: string; emptied: Set<string> },
): Promise<number> => {
  let refused = 0
  const suspend = async (session: Suspendable): Promise<void> => {
    await parts.sandboxes.provider.stop(session.sessionId)
    if (await suspendSession(parts, workerId, session)) emptied.add(session.sessionId)
    else refused++
  }
  const left = (await findSandboxes(parts.db, engineId)).filter(({ sessionId }) => !emptied.has(sessionId))
  await inTurn(left, (session) =>
    suspend(session).catch((error: unknown) =>
      parts.logger.error({ err: error, sessionId: session.sessionId }, 'a sandbox could not be stored'),
    ),
  )
  return refused
}

/** Those of sandboxes that were images already, each once. */
const archiveLeft = async (parts: TurnParts, engineId: string): Promise<void> => {
  const tried = new Set<string>()
  for (;;) {
    const left = await findUnarchived(parts.db, { engineId, olderThanMs: 0, except: [...tried] })
    if (left.length === 0) return
    for (const { id } of left) tried.add(id)
    await inTurn(left, (checkpoint) => archiveCheckpoint(parts, checkpoint))
  }
}

const inTurn = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const waiting = items.values()
  const next = async (): Promise<void> => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
}

/** Turns at hand, and checkpoints that the engine's workers take. Throws where nobody keeps others from beginning: they would never end. */
const countRunning = async (db: Pick<Database, 'system'>, drain: { engineId: string; workerId: string }): Promise<number> => {
  if (!(await isDrainedBy(db, drain))) throw ended(drain.engineId)
  const { rows } = await db.system.query<{ count: number }>(
    `select (select count(*) from claim c join lease l on l.worker_id = c.worker_id where l.engine_id = $1 and l.expires_at > clock_timestamp())::int
       + (select count(*) from checkpoint k join lease l on l.worker_id = k.taken_by
         where k.state = 'taking' and l.engine_id = $1 and l.expires_at > clock_timestamp())::int as count`,
    [drain.engineId],
  )
  return rows[0]?.count ?? 0
}

const findSandboxes = async (db: Pick<Database, 'system'>, engineId: string): Promise<Suspendable[]> => {
  const { rows } = await db.system.query<Suspendable>(
    `select tenant_id as "tenantId", id as "sessionId", sandbox_id as "sandboxId", sandbox_image as image from session
     where engine_id = $1 and sandbox_id is not null and deleted_at is null and status not in ('CANCELED', 'FAILED')`,
    [engineId],
  )
  return rows
}
