import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { reapImages } from '../checkpoints/reap-images.ts'
import { reapSetUps } from '../environments/reap-set-ups.ts'
import { forgetExpired } from '../files/forget-expired.ts'
import { findNextLook, toIdleTimes } from '../sandboxes/keep-awake.ts'
import { reapWarm } from '../sandboxes/reap-warm.ts'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'

type Found = Awaited<ReturnType<SandboxProvider['list']>>[number]
/** `idleForMs`: nothing was written for so long. `replaced`: its next sandbox is made from a checkpoint, and a container of it is one that was to be removed. `resting`: the log says so. */
type Owner = {
  id: string
  tenantId: string
  final: boolean
  engineId: string | null
  running: boolean
  idleForMs: number
  idleSeconds: number | null
  keepAwakeSeconds: number
  replaced: boolean
  resting: boolean
}

/** A container this young may belong to a turn that has not recorded it yet. */
const YOUNG_MS = 120_000
/** By then a worker of this engine that kept it warm, or awake, has stopped it itself, if it was the last to hold its session. */
const GRACE_MS = 15_000
/** A sandbox that is made and not recorded yet has a turn that runs, or a worker attached to it: any other of this age is nobody's. */
const UNOWNED_MS = 25_000
/** Gives an image's files to who stores them, with no turn that runs: a large workspace takes minutes. */
const COPY_MS = 15 * 60_000

/**
 * The one place where what nobody owns any more is destroyed: found by label, so that a crash between creating and recording leaves
 * nothing behind. Also stops sandboxes that a dead worker left running, or had just frozen.
 */
export const startReaping = (
  {
    db,
    workerId,
    provider,
    logger,
    idleMs,
    isAttached,
    onSuspended,
    suspendIdle,
    stopPaused,
  }: {
    db: Database
    workerId: () => string
    provider: SandboxProvider
    logger: Logger
    /** A sandbox without work for so long is stopped, unless its environment says otherwise. */
    idleMs: number
    isAttached: (sessionId: string) => boolean
    onSuspended: (session: { tenantId: string; sessionId: string }) => Promise<void>
    suspendIdle: (engineId: string) => Promise<void>
    stopPaused: () => Promise<void>
  },
  everyMs: number,
): { reapNow(): Promise<void>; stop(): Promise<void> } => {
  let running: Promise<void> | null = null
  const reap = async (): Promise<void> => {
    try {
      const found = await provider.list()
      const owners = await readOwners(db, [...new Set(found.map(({ sessionId }) => sessionId))])
      const engineId = await provider.engineId()
      const sessions = found.filter(({ kind }) => kind !== 'build' && kind !== 'warm')
      for (const container of sessions) await judge(container, owners.get(container.sessionId), engineId)
      await reapWarm({ db, provider, logger, workerId: workerId() }, found)
      await suspendIdle(engineId)
      await stopPaused()
      await forgetExpired(db)
      if (provider.images !== null) await reapImages({ db, images: provider.images, logger })
      await reapSetUps({ db, provider, logger }, { builds: found.filter(({ kind }) => kind === 'build'), engineId })
    } catch (error) {
      logger.warn({ err: error }, 'the reaper could not run')
    }
  }
  const judge = async (container: Found, owner: Owner | undefined, engineId: string): Promise<void> => {
    const ageMs = Date.now() - container.createdAt.getTime()
    if (isOrphan(container, { owner, engineId, ageMs }) && !isAttached(container.sessionId)) {
      logger.info({ container: container.id, sessionId: container.sessionId, kind: container.kind }, 'removing what nobody owns')
      await provider.removeById(container.id)
    } else if (
      container.kind === 'sandbox' &&
      ageMs > YOUNG_MS &&
      owner?.running === false &&
      !isAttached(container.sessionId) &&
      (container.paused ? !owner.resting && owner.idleForMs > YOUNG_MS : container.running && (await isIdle(owner)))
    ) {
      // The owners were read before the first of many was judged: a turn may have begun since.
      const now = (await readOwners(db, [container.sessionId])).get(container.sessionId)
      if (now?.running !== false || isAttached(container.sessionId)) return
      await provider.stop(container.sessionId)
      await onSuspended({ tenantId: now.tenantId, sessionId: container.sessionId })
    }
  }
  const isIdle = async ({ id: sessionId, idleForMs, ...environment }: Owner): Promise<boolean> => {
    const times = toIdleTimes(environment, idleMs)
    if (idleForMs <= times.idleMs + GRACE_MS) return false
    return (await findNextLook({ provider, logger }, { sessionId, idleForMs, times })) === null
  }
  const once = (): Promise<void> => {
    running ??= reap().finally(() => (running = null))
    return running
  }
  const timer = setInterval(() => void once(), everyMs)
  return {
    reapNow: once,
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}

/** Whether nobody will ever want it again. */
const isOrphan = (container: Found, { owner, engineId, ageMs }: { owner: Owner | undefined; engineId: string; ageMs: number }): boolean => {
  if (owner === undefined || owner.final) return ageMs > 5_000
  if (container.kind !== 'sandbox') return ageMs > (container.kind === 'copy' ? COPY_MS : YOUNG_MS) && !owner.running
  return ageMs > UNOWNED_MS && (owner.engineId !== engineId || owner.replaced) && !owner.running
}

const readOwners = async (db: Database, sessionIds: string[]): Promise<Map<string, Owner>> => {
  if (sessionIds.length === 0) return new Map()
  const { rows } = await db.system.query<Owner>(
    `select s.id, s.tenant_id as "tenantId", (s.deleted_at is not null or s.status in ('CANCELED', 'FAILED')) as final, s.engine_id as "engineId",
       exists (select from turn t where t.session_id = s.id and t.state = 'running') as running,
       extract(epoch from clock_timestamp() - s.updated_at)::float8 * 1000 as "idleForMs", v.idle_seconds as "idleSeconds", v.keep_awake_seconds as "keepAwakeSeconds",
       coalesce(s.sandbox_state in ('SUSPENDED', 'GONE'), false) and s.sandbox_id is null as replaced,
       coalesce(s.sandbox_state = 'SUSPENDED', false) as resting
     from session s join environment_version v on v.id = s.environment_version_id where s.id = any($1)`,
    [sessionIds],
  )
  return new Map(rows.map((row) => [row.id, row]))
}
