import { expect } from 'vitest'
import { decideRewind, refuseRewind } from '../../src/checkpoints/decide-rewind.ts'
import type { RewindTarget } from '../../src/checkpoints/rewind-target.ts'
import { PlatformError } from '../../src/errors.ts'
import type { NewEvent } from '../../src/events/event.ts'
import { REWIND_AXES } from '../../src/events/session-events.ts'
import { skipUndone } from '../../src/events/undone.ts'
import { createId } from '../../src/ids.ts'
import { type Append, appendEvents, type Wake } from '../../src/log/append-events.ts'
import { type Change, type CoreParts, changeSession, type LockedSession } from '../../src/sessions/change-session.ts'
import { startLease } from '../../src/turns/leases.ts'
import type { TestDatabase } from '../database.ts'
import { seedSession, seedTenant, silentParts } from '../seeds.ts'
import { viewSession } from './sim-person.ts'
import { takePoint } from './sim-points.ts'
import { SimStore } from './sim-store.ts'

export const PAIR_SESSIONS = 3
const LEASE_MS = 1_000_000

export type Held = { sessionId: string; threadId: string; turnId: string; epoch: number }
type More = Pick<Append, 'turn' | 'settle' | 'guard'>

/** One tenant's sessions twice: in Postgres, through the core's own functions, and in the twin. What is done is done to both. */
export class TwinPair {
  readonly twin: SimStore
  readonly test: TestDatabase
  readonly parts: CoreParts
  readonly tenantId: string
  readonly agentId: string
  readonly keyId: string
  readonly sessionIds: string[] = []
  readonly reservations: string[] = []
  readonly points: (RewindTarget & { sessionId: string })[] = []
  /** Two workers: one of each kind. */
  readonly workers = ['', '']
  /** What each worker last claimed, and may still believe to hold. */
  readonly held: (Held | null)[] = [null, null]
  /** The twin's clock goes with Postgres's, and both with what a test lets pass at once. */
  now = Math.round(performance.now())
  #passedMs = 0

  constructor(test: TestDatabase, seed: Awaited<ReturnType<typeof seedTenant>>, limitNanos: bigint) {
    this.test = test
    this.parts = silentParts(test.db)
    this.tenantId = seed.tenantId
    this.agentId = seed.agentId
    this.keyId = seed.caller.keyId
    this.twin = new SimStore({ now: () => this.now, bugs: new Set(), maxConcurrent: PAIR_SESSIONS, limitNanos })
  }

  tick(): void {
    this.now = Math.max(this.now + 1, Math.round(performance.now()) + this.#passedMs)
  }

  async pass(ms: number): Promise<void> {
    this.#passedMs += ms
    this.tick()
    const back = "- $1 * interval '1 millisecond'"
    const values = [ms, this.tenantId]
    await this.test.superuser.query(`update turn set due_at = due_at ${back}, woken_at = woken_at ${back} where tenant_id = $2`, values)
    await this.test.superuser.query(`update reservation set created_at = created_at ${back} where tenant_id = $2`, values)
  }

  kindOf(worker: number): 'worker' | 'suspect' {
    return worker === 0 ? 'worker' : 'suspect'
  }

  async addSession(seed: Awaited<ReturnType<typeof seedTenant>>): Promise<void> {
    const id = await seedSession(this.parts, seed)
    const { rows } = await this.test.superuser.query<{ turn: string; thread: string; events: NewEvent[] }>(
      `select t.id as turn, t.thread_id as thread, (select jsonb_agg(jsonb_build_object('type', type, 'actor', actor, 'payload', payload) order by seq)
         from event where session_id = $1) as events from turn t where session_id = $1`,
      [id],
    )
    const { turn, thread, events } = rows[0]!
    this.twin.addSession(id, thread)
    this.twin.append({ sessionId: id, epoch: null, events, turn: { op: 'ensure', next: { id: turn, kind: 'work' } } })
    this.sessionIds.push(id)
    this.tick()
  }

  async beginWorker(worker: number): Promise<void> {
    const workerId = createId('wrk')
    this.workers[worker] = workerId
    const kind = this.kindOf(worker)
    await startLease(this.test.db, { workerId, engineId: null, kind, host: 'here', pid: 1, leaseMs: LEASE_MS })
    this.twin.startLease(workerId, kind, LEASE_MS)
  }

  /** Under the epoch that the worker believes to have; `epochBack` under an older one. */
  async write(worker: number, events: NewEvent[], more: More = {}, epochBack = 0): Promise<void> {
    const held = this.held[worker]
    if (held == null) return
    const { sessionId, threadId } = held
    const epoch = held.epoch - epochBack
    const real = await attempt(() => appendEvents(this.test.db, { tenantId: this.tenantId, sessionId, threadId, epoch, events, ...more }))
    this.compare(real, await attempt(async () => this.twin.append({ sessionId, epoch, events, ...more })))
  }

  /** Decided on what the twin says of the session; Postgres must say the same of it under its lock. */
  async person(sessionId: string, decide: (session: LockedSession) => Change | null): Promise<void> {
    const { backlog: _, tenant: __, ...view } = viewSession(this.twin, sessionId)
    const change = await attempt(async () => decide(viewSession(this.twin, sessionId)))
    const refused = change !== null && 'threw' in change
    const real = await attempt(() =>
      changeSession(this.parts, { tenantId: this.tenantId, sessionId }, (session) => {
        expect(session).toMatchObject(view)
        if (refused) throw new PlatformError('CONFLICT', 'as the twin says')
        return change
      }),
    )
    if (refused || change === null) return
    const told = this.twin.append({ sessionId, epoch: null, events: change.events, ...(change.turn && { turn: change.turn }) })
    expect(real).toMatchObject({ head: (told as { head: number }).head })
  }

  /** In the twin, and its event in both. */
  async takePoint(sessionId: string): Promise<void> {
    const session = this.twin.sessionOf(sessionId)
    const point = takePoint(this.twin, session)
    const event = session.log.at(-1)
    if (point === null || event?.type !== 'session.checkpointed') return
    this.points.push({ ...point, sessionId })
    const said = [{ type: event.type, actor: event.actor, payload: event.payload }]
    await appendEvents(this.test.db, { tenantId: this.tenantId, sessionId, threadId: session.threadId, epoch: null, events: said })
  }

  goBack(session: LockedSession, number: number): Change | null {
    const points = this.points.filter(({ sessionId }) => sessionId === session.id)
    const target = points[number % Math.max(1, points.length)]
    if (target === undefined) return null
    refuseRewind(session)
    const axis = REWIND_AXES[number % REWIND_AXES.length] ?? 'BOTH'
    return decideRewind(session, { target, axis, context: skipUndone(this.twin.sessionOf(session.id).log), actor: this.keyId })
  }

  compare(real: unknown, told: unknown): void {
    expect(this.#show(real)).toEqual(this.#show(told))
  }

  wakesOf(wakes: readonly Wake[] | undefined): string[] {
    const mine = (wakes ?? []).filter(({ tenantId }) => tenantId === this.tenantId || tenantId.startsWith('tnt_simulated'))
    return mine.map(({ turnId, wakeNo }) => `${turnId}-${wakeNo}`).toSorted()
  }

  async compareState(): Promise<void> {
    for (const id of this.sessionIds) {
      const { rows } = await this.test.superuser.query(STATE, [id])
      const { fold, control, claim } = this.twin.sessionOf(id)
      const turn = this.twin.openTurn(id)
      expect(rows[0]).toEqual({
        session: { status: fold.status, stopReason: fold.stopReason, head: fold.head, control },
        claim,
        unread: this.twin.unread(this.twin.sessionOf(id)),
        turn: turn === null ? null : showTurn(turn),
      })
    }
    const { rows } = await this.test.superuser.query<{ spent: string; held: string }>(
      "select total_spent as spent, total_reserved as held from spend where scope = 'TENANT' and scope_id = $1",
      [this.tenantId],
    )
    expect([BigInt(rows[0]?.spent ?? 0), BigInt(rows[0]?.held ?? 0)]).toEqual([this.twin.money.spentNanos, this.twin.money.heldNanos])
  }

  #show(result: unknown): Record<string, unknown> {
    const { refused, first, head, status, granted, by, settled, threw, wakes } = result as Record<string, unknown>
    return { refused, first, head, status, granted, by, settled, threw, wakes: this.wakesOf(wakes as Wake[] | undefined) }
  }
}

export const createTwinPair = async (test: TestDatabase, limitNanos: bigint): Promise<TwinPair> => {
  await forgetOthers(test)
  const seed = await seedTenant(test.db, { maxConcurrentSessions: PAIR_SESSIONS })
  const pair = new TwinPair(test, seed, limitNanos)
  await test.superuser.query(
    // Without alerts: those are told of elsewhere, and the twin has none.
    "insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos, alert_percents) values ($1, $2, 'TENANT', $2, 'LIFETIME', 'TENANT', $3, '{}')",
    [createId('bgt'), seed.tenantId, limitNanos.toString()],
  )
  for (let index = 0; index < PAIR_SESSIONS; index++) await pair.addSession(seed)
  await pair.beginWorker(0)
  await pair.beginWorker(1)
  return pair
}

/** A sweep looks at every tenant: those of earlier runs have nothing left to find. */
const forgetOthers = async ({ superuser }: TestDatabase): Promise<void> => {
  await superuser.query("update turn set state = 'settled' where state <> 'settled'")
  await superuser.query('update claim set worker_id = null, turn_id = null where worker_id is not null')
  await superuser.query("update reservation set state = 'settled' where state = 'held'")
  await superuser.query('delete from lease')
}

/** What both refuse by throwing is the same answer. */
const attempt = async <T>(run: () => Promise<T>): Promise<T | { threw: true }> => {
  try {
    return await run()
  } catch (error) {
    if (error instanceof PlatformError || (error instanceof Error && /is not the open turn/.test(error.message))) return { threw: true }
    throw error
  }
}

const showTurn = ({
  dueAt: _,
  sessionId: __,
  round: ___,
  waitScope: ____,
  wokenAt,
  ...turn
}: NonNullable<ReturnType<SimStore['openTurn']>>) => ({
  ...turn,
  woken: wokenAt !== null,
})

const STATE = `select jsonb_build_object('status', s.status, 'stopReason', s.stop_reason, 'head', s.head, 'control', s.control) as session,
    jsonb_build_object('epoch', c.epoch, 'workerId', c.worker_id, 'turnId', c.turn_id) as claim,
    (select coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'mode', mode) order by seq), '[]') from unread_message where session_id = s.id) as unread,
    (select jsonb_build_object('id', id, 'kind', kind, 'state', state, 'waitReason', wait_reason, 'wakeNo', wake_no, 'wakes', wakes, 'woken', woken_at is not null,
      'attempt', attempt, 'suspect', suspect, 'crashes', crashes) from turn t where t.session_id = s.id and state <> 'settled') as turn
  from session s join claim c on c.session_id = s.id where s.id = $1`
