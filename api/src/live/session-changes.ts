import type { Announcer } from '@longhaul/core/src/log/announcer.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { ChangeSubscriber } from './change-subscriber.ts'
import { CHANGES_LIMITS, type ChangesLimits } from './feed-limits.ts'
import { readChangedSessions } from './read-log.ts'
import { startListening } from './start-listening.ts'
import { TenantChanges } from './tenant-changes.ts'

export type SessionChangesParts = { db: Pick<Database, 'system'>; announcer: Announcer; logger: Logger }

export type SessionChanges = {
  /**
   * Ids of the tenant's sessions as they change, each at most once in 250 ms, and always once more after its last change: whoever
   * reads the session then sees its newest state. It may be deleted by then. Rejects with RATE_LIMITED who reads far too slowly.
   */
  subscribe(watch: { tenantId: string }): AsyncIterableIterator<string, undefined>
  stats(): { tenants: number; subscribers: number; waitingSessions: number }
  close(): void
}

/** Tells what is announced; what was announced in vain is found by looking, once a second for all watched tenants. */
export const createSessionChanges = (
  { db, announcer, logger }: SessionChangesParts,
  limits: ChangesLimits = CHANGES_LIMITS,
): SessionChanges => {
  const tenants = new Map<string, TenantChanges>()
  let lookedAt = performance.now()
  let looking = false
  let asked = false
  let closed = false
  let nextLook: NodeJS.Timeout | undefined

  const open = (tenantId: string): TenantChanges => {
    const changes = new TenantChanges(limits)
    if (tenants.size === 0) lookedAt = performance.now()
    tenants.set(tenantId, changes)
    lookSoon()
    return changes
  }

  const leave = (tenantId: string, changes: TenantChanges, subscriber: ChangeSubscriber): void => {
    changes.subscribers.delete(subscriber)
    if (changes.subscribers.size > 0) return
    changes.stop()
    if (tenants.get(tenantId) === changes) tenants.delete(tenantId)
    if (tenants.size === 0) clearTimeout(nextLook)
  }

  const lookSoon = (): void => {
    asked = true
    if (!looking) void look()
  }

  const look = async (): Promise<void> => {
    looking = true
    clearTimeout(nextLook)
    await Promise.resolve()
    const started = performance.now()
    asked = false
    try {
      const watched = [...tenants]
      const changed = watched.length === 0 ? [] : await readChangedSessions(db, [...tenants.keys()], started - lookedAt + limits.lookBackMs)
      const byTenant = Map.groupBy(changed, ({ tenantId }) => tenantId)
      for (const [tenantId, changes] of watched) if (changes.subscribers.size > 0) changes.see(byTenant.get(tenantId) ?? [])
      lookedAt = started
    } catch (error) {
      logger.warn({ err: error }, 'changed sessions could not be looked for; the next look reaches further back')
    }
    looking = false
    if (closed || tenants.size === 0) return
    nextLook = setTimeout(look, asked ? 0 : Math.max(limits.lookMs, (performance.now() - started) * limits.restFactor))
  }

  const stopListening = startListening(announcer, logger, {
    onHead: ({ tenantId, sessionId, head }) => tenants.get(tenantId)?.hear(sessionId, head),
    onGap: () => {
      if (tenants.size > 0) lookSoon()
    },
  })

  return {
    subscribe: ({ tenantId }) => {
      const changes = tenants.get(tenantId) ?? (closed ? new TenantChanges(limits) : open(tenantId))
      const subscriber = new ChangeSubscriber(limits.waitingSessions, (one) => leave(tenantId, changes, one))
      changes.subscribers.add(subscriber)
      if (closed) subscriber.end()
      return subscriber
    },
    stats: () => {
      const subscribers = [...tenants.values()].flatMap((changes) => [...changes.subscribers])
      return {
        tenants: tenants.size,
        subscribers: subscribers.length,
        waitingSessions: subscribers.reduce((sum, { waiting }) => sum + waiting, 0),
      }
    },
    close: () => {
      closed = true
      stopListening()
      for (const changes of [...tenants.values()]) for (const subscriber of changes.subscribers) subscriber.end()
      clearTimeout(nextLook)
    },
  }
}
