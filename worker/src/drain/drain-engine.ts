/**
 * Owns how an engine is emptied, before its machine goes or is upgraded: nobody takes anything more there, every sandbox becomes a stored
 * checkpoint, and then its sessions are anybody's. Must never let go of a session whose files it could have stored.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { findUnarchived } from '@longhaul/core/src/checkpoints/find-asked-checkpoints.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { archiveCheckpoint, archivesSettled } from '../checkpoints/archive-checkpoint.ts'
import { type Suspendable, suspendSession } from '../checkpoints/suspend-session.ts'
import { ActiveTurns } from '../consumers/active-turns.ts'
import { keepLease } from '../consumers/keep-lease.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { findUnstored } from './find-unstored.ts'

const LOOK_MS = 250
/** So many at once: each reads and writes a sandbox's whole layer. */
const AT_ONCE = 2

/** What could not be kept goes on from its checkpoint before, and its agent is told. */
export type Drained = { stored: number; failed: string[] }

/**
 * Resolves once the engine is empty. Turns that run there end by themselves first: give their workers a signal where that takes too long.
 * From then on anybody takes its sessions, until a worker starts on it again.
 */
export const drainEngine = async (parts: TurnParts, { leaseMs, renewMs }: { leaseMs: number; renewMs: number }): Promise<Drained> => {
  const { db, logger, sandboxes } = parts
  const engineId = await sandboxes.provider.engineId()
  await db.system.query(
    'insert into engine (id, draining) values ($1, true) on conflict (id) do update set draining = true, gone = false, looked_at = null, absent_ms = 0',
    [engineId],
  )
  // While it lives the engine is not away. It claims nothing.
  const lease = await keepLease({ ...parts, active: new ActiveTurns() }, { kind: 'suspect', engineId, leaseMs, renewMs })
  try {
    for (let waited = 0; (await countRunning(db, engineId)) > 0; waited += LOOK_MS) {
      if (waited % 10_000 === 0) logger.info({ engineId, turns: await countRunning(db, engineId) }, 'turns at hand may end')
      await sleep(LOOK_MS)
    }
    const failed: string[] = []
    const left = await findSandboxes(db, engineId)
    const suspend = async (session: Suspendable): Promise<void> => {
      await sandboxes.provider.stop(session.sessionId)
      if (!(await suspendSession(parts, lease.workerId(), session))) failed.push(session.sessionId)
    }
    await inTurn(left, (session) =>
      suspend(session).catch((error: unknown) => {
        logger.error({ err: error, sessionId: session.sessionId }, 'a sandbox could not be stored')
        failed.push(session.sessionId)
      }),
    )
    await archivesSettled()
    await archiveLeft(parts, engineId)
    failed.push(...(await findUnstored(db, engineId)))
    await db.system.query('update engine set gone = true where id = $1 and draining', [engineId])
    const unkept = new Set(failed)
    return { stored: left.filter(({ sessionId }) => !unkept.has(sessionId)).length, failed: [...unkept] }
  } finally {
    await lease.stop()
  }
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

const countRunning = async (db: Pick<Database, 'system'>, engineId: string): Promise<number> => {
  const { rows } = await db.system.query<{ count: number }>(
    `select count(*)::int from claim c join lease l on l.worker_id = c.worker_id where l.engine_id = $1 and l.expires_at > clock_timestamp()`,
    [engineId],
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
