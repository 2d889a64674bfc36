import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SandboxProvider } from './sandbox.ts'
import { toKey, type WarmKind, type WarmSandboxes } from './warm-sandboxes.ts'

/** What a session does first is not slowed by the making of the next one's sandbox. */
const REFILL_AFTER_MS = 500
const BUSY_MS = 50

type Options = {
  /** So many wait of each kind. */
  size: number
  /** And so many of all kinds on this engine, by all its workers. */
  max: number
  /** A kind that no session has begun with for so long is kept ready no more. */
  keepMs: number
}

/**
 * Which sandboxes this worker keeps ready: of the kinds that sessions here began with last, while a new session of their environment would
 * begin with them. Never makes one while a session waits for its own.
 */
export class WarmPool {
  readonly #db: Pick<Database, 'system'>
  readonly #provider: Pick<SandboxProvider, 'list'>
  /** Null where this kind of sandbox has none to keep ready. */
  readonly #warm: WarmSandboxes | null
  readonly #options: Options
  readonly #logger: Logger
  /** By key, the last used last. */
  readonly #kinds = new Map<string, { kind: WarmKind; usedAt: number }>()
  /** What an environment's version begins with. */
  readonly #versions = new Map<string, string>()
  #started: { workerId: () => string; isBusy: () => boolean; timer: NodeJS.Timeout } | null = null
  #soon: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null
  #again = false

  constructor(parts: { db: Pick<Database, 'system'>; provider: Pick<SandboxProvider, 'list' | 'warm'>; logger: Logger }, options: Options) {
    this.#db = parts.db
    this.#provider = parts.provider
    this.#warm = parts.provider.warm
    this.#logger = parts.logger
    this.#options = options
  }

  /** A session of this environment version has begun with a sandbox of this kind. */
  note(environmentVersionId: string, kind: WarmKind): void {
    const key = toKey(kind)
    this.#versions.set(environmentVersionId, key)
    this.#kinds.delete(key)
    this.#kinds.set(key, { kind, usedAt: performance.now() })
    if (this.#started === null) return
    clearTimeout(this.#soon ?? undefined)
    this.#soon = setTimeout(() => void this.tend(), REFILL_AFTER_MS)
  }

  /** From here on it is filled, and looked after every so often. `isBusy`: a session waits for a sandbox. */
  start({ workerId, isBusy, everyMs }: { workerId: () => string; isBusy: () => boolean; everyMs: number }): void {
    if (this.#warm === null || this.#options.size === 0 || this.#options.max === 0) return
    this.#started = { workerId, isBusy, timer: setInterval(() => void this.tend(), everyMs) }
  }

  /** Nothing is left of it. */
  async stop(): Promise<void> {
    clearInterval(this.#started?.timer)
    clearTimeout(this.#soon ?? undefined)
    this.#started = null
    await this.#running
    for (const { id } of this.#waiting()) await this.#discard(id)
  }

  /** Removes what is wanted no more, then makes what is missing. */
  tend(): Promise<void> {
    this.#again = true
    this.#running ??= (async () => {
      while (this.#again) {
        this.#again = false
        await this.#tend().catch((error: unknown) => this.#logger.warn({ err: error }, 'sandboxes could not be kept ready'))
      }
    })().finally(() => (this.#running = null))
    return this.#running
  }

  async #tend(): Promise<void> {
    await this.#forget()
    const wanted = this.#wanted()
    const left = new Map(wanted.map(({ kind, count }) => [toKey(kind), count]))
    for (const { id, kind, workerId } of this.#waiting()) {
      const key = toKey(kind)
      const more = left.get(key) ?? 0
      if (more > 0 && workerId === this.#started?.workerId()) left.set(key, more - 1)
      else await this.#discard(id)
    }
    for (const { kind } of wanted) {
      for (let missing = left.get(toKey(kind)) ?? 0; missing > 0; missing--) {
        if (!(await this.#make(kind))) return
      }
    }
  }

  /** False where nothing more is to be made now. */
  async #make(kind: WarmKind): Promise<boolean> {
    while (this.#started?.isBusy()) await sleep(BUSY_MS)
    if (this.#started === null || (await this.#countReady()) >= this.#options.max) return false
    try {
      await this.#warm?.make(kind, this.#started.workerId())
    } catch (error) {
      // Its image may have gone, or the engine. The next session that begins with it lets it be tried again.
      this.#kinds.delete(toKey(kind))
      this.#logger.warn({ err: error, imageId: kind.imageId }, 'a sandbox could not be made ahead')
      return true
    }
    // Two workers may have made the last one each: the engine's list is the same for both, and the younger one goes.
    const ready = await this.#list()
    const mine = new Set(this.#waiting().map(({ id }) => id))
    for (const { id } of ready.slice(this.#options.max)) if (mine.has(id)) await this.#discard(id)
    return true
  }

  /** What is too old, and what no new session would begin with: its environment has another version, or is archived. */
  async #forget(): Promise<void> {
    const before = performance.now() - this.#options.keepMs
    for (const [key, { usedAt }] of this.#kinds) if (usedAt < before) this.#kinds.delete(key)
    if (this.#versions.size === 0) return
    const { rows } = await this.#db.system.query<{ id: string }>(
      `select v.id from environment_version v join environment e on e.id = v.environment_id
       where v.id = any($1) and e.archived_at is null and v.version = e.latest_version`,
      [[...this.#versions.keys()]],
    )
    const current = new Set(rows.map(({ id }) => id))
    for (const [id, key] of this.#versions) if (!current.has(id) || !this.#kinds.has(key)) this.#versions.delete(id)
    const used = new Set(this.#versions.values())
    for (const key of this.#kinds.keys()) if (!used.has(key)) this.#kinds.delete(key)
  }

  /** The last used first, as many as there may be. */
  #wanted(): { kind: WarmKind; count: number }[] {
    let room = this.#options.max
    return [...this.#kinds.values()].reverse().flatMap(({ kind }) => {
      const count = Math.min(room, this.#options.size)
      room -= count
      return count === 0 ? [] : [{ kind, count }]
    })
  }

  async #countReady(): Promise<number> {
    return (await this.#list()).length
  }

  async #list() {
    const ready = (await this.#provider.list()).filter(({ kind }) => kind === 'warm')
    return ready.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1))
  }

  #waiting() {
    return this.#warm?.waiting() ?? []
  }

  async #discard(id: string): Promise<void> {
    await this.#warm
      ?.discard(id)
      .catch((error: unknown) => this.#logger.warn({ err: error, id }, 'a sandbox made ahead could not be removed'))
  }
}
