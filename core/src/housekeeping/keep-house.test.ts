import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { playSession } from '../../testing/play-session.ts'
import { silentParts } from '../../testing/seeds.ts'
import { takeCheckpoint } from '../../testing/take-checkpoint.ts'
import { checkDatabase } from '../checker/check-database.ts'
import { createDirectorySnapshotStore } from '../checkpoints/directory-snapshot-store.ts'
import { saveSnapshot } from '../checkpoints/save-snapshot.ts'
import { listAll } from '../checkpoints/snapshot-store.contract.ts'
import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import { forkSession } from '../forks/fork-session.ts'
import { readContext } from '../log/read-events.ts'
import { createLogger } from '../logger.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import { type UpdateTenant, updateTenant } from '../tenants/update-tenant.ts'
import { keepHouse } from './keep-house.ts'
import { removeContent, sweepStore } from './sweep-store.ts'
import { thinCheckpoints } from './thin-checkpoints.ts'

type Session = { tenantId: string; sessionId: string }

let test: TestDatabase
let root: string
let snapshots: SnapshotStore
const logger = createLogger({ name: 'test', level: 'silent' })
const house = () => keepHouse({ db: test.db, snapshots, logger }, { thorough: true })
beforeAll(async () => {
  test = await createTestDatabase()
})
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'longhaul-house-'))
  snapshots = createDirectorySnapshotStore(root)
  return () => rm(root, { recursive: true })
})
afterAll(() => test.close())

const save = (session: Session, text: string) =>
  saveSnapshot({ db: test.db, snapshots }, { ...session, kind: 'checkpoint', digest: 'd', tar: Readable.from([Buffer.from(text)]) })
/** A whole checkpoint with stored files, as old as said; the platform's own unless asked for. */
const checkpoint = async (session: Session, { hoursOld = 0, trigger = 'CADENCE' } = {}) => {
  const { id } = await takeCheckpoint(test.db, session)
  const { id: snapshotId, contentHash } = await save(session, `files of ${id}`)
  await test.superuser.query(
    "update checkpoint set snapshot_id = $2, trigger = $3, created_at = now() - $4 * interval '1 hour' where id = $1",
    [id, snapshotId, trigger, hoursOld],
  )
  await test.superuser.query(
    `update event set payload = payload || jsonb_build_object('trigger', $2::text) where session_id = $1 and payload->>'checkpointId' = $3`,
    [session.sessionId, trigger, id],
  )
  return { id, contentHash }
}
const fork = async (session: Session, checkpointId: string): Promise<Session> => {
  const forks = [{ title: null, prompt: null, agentId: null, budgetNanos: null }]
  const { sessionIds } = await forkSession(silentParts(test.db), { tenantId: session.tenantId, keyId: 'key_x' }, { checkpointId, forks })
  return { tenantId: session.tenantId, sessionId: sessionIds[0] ?? '' }
}
const remove = async ({ tenantId, sessionId }: Session) => {
  await deleteSession(silentParts(test.db), { tenantId, keyId: 'key_x' }, { sessionId })
  await test.superuser.query("update session set deleted_at = now() - interval '1 hour' where id = $1", [sessionId])
}
const countRows = async (table: string, { sessionId }: Session) =>
  Number((await test.superuser.query(`select count(*) from "${table}" where session_id = $1`, [sessionId])).rows[0]?.['count'])
const hasFiles = async (id: string) =>
  (await test.superuser.query('select snapshot_id is not null as kept from checkpoint where id = $1', [id])).rows[0]?.['kept']

describe('a deleted session', () => {
  it('goes with its log, its rows and its stored files, and one that was deleted just now does not yet', async () => {
    const [gone, late, stays] = [await playSession(test.db), await playSession(test.db), await playSession(test.db)]
    const [ofGone, ofStays] = [await checkpoint(gone), await checkpoint(stays)]
    await remove(gone)
    await deleteSession(silentParts(test.db), { tenantId: late.tenantId, keyId: 'key_x' }, late)
    await house()
    for (const table of ['event', 'turn', 'thread', 'claim', 'checkpoint', 'snapshot', 'condition', 'evaluation'])
      expect([table, await countRows(table, gone)]).toEqual([table, 0])
    expect(await countRows('charge', gone)).toBeGreaterThan(0)
    expect([await countRows('event', late), await countRows('event', stays)]).toEqual([expect.any(Number), expect.any(Number)])
    expect(await countRows('event', late)).toBeGreaterThan(0)
    expect(await listAll(snapshots)).toEqual([ofStays.contentHash])
    expect(ofGone.contentHash).not.toBe(ofStays.contentHash)
  })

  it('takes the files with it that people have put in and fetched', async () => {
    const session = await playSession(test.db)
    const [put, fetched] = await Promise.all(['put in', 'fetched'].map((text) => snapshots.put(Readable.from([Buffer.from(text)]))))
    await test.superuser.query(
      `with put as (insert into upload (session_id, seq, tenant_id, path, kind, stored_bytes, content_hash) values ($1, 1, $2, 'a', 'file', 6, $3))
       insert into download (id, tenant_id, session_id, asked, size_bytes, content_hash, left_out, expires_at)
       values ('dwn_1', $2, $1, 'fetch /workspace/a', 7, $4, 0, now() + interval '1 hour')`,
      [session.sessionId, session.tenantId, put?.contentHash, fetched?.contentHash],
    )
    await remove(session)
    await keepHouse({ db: test.db, snapshots, logger }, { thorough: false })
    expect(await listAll(snapshots)).toEqual([])
  })

  it('stays for as long as a fork reads its log, and goes after the last one', async () => {
    const parent = await playSession(test.db)
    const point = await checkpoint(parent)
    const child = await fork(parent, point.id)
    const grandchild = await fork(child, (await checkpoint(child)).id)
    await remove(parent)
    await remove(child)
    await house()
    const { primary } = (
      await test.superuser.query('select primary_thread_id as "primary" from session where id = $1', [grandchild.sessionId])
    ).rows[0]
    const context = await readContext(test.db, { ...grandchild, threadId: primary, fromSeq: 1 })
    expect(context.map(({ seq }) => seq)).toContain(1)
    expect(await countRows('event', parent)).toBeGreaterThan(0)
    expect(await listAll(snapshots)).toContain(point.contentHash)
    await remove(grandchild)
    for (let pass = 0; pass < 3; pass++) await house()
    expect([await countRows('event', parent), await countRows('event', child), await listAll(snapshots)]).toEqual([0, 0, []])
  })

  it('that can not be removed yet keeps no other from going, and is tried again by the next pass', async () => {
    const [stuck, other] = [await playSession(test.db), await playSession(test.db)]
    for (const session of [stuck, other]) await remove(session)
    await test.superuser.query("update session set deleted_at = now() - interval '2 hours' where id = $1", [stuck.sessionId])
    await test.superuser.query(
      `create function hold_on() returns trigger language plpgsql as $$ begin raise exception 'not yet'; end $$;
       create trigger hold_on before delete on session for each row when (old.id = '${stuck.sessionId}') execute function hold_on()`,
    )
    expect(await house()).toBe(true)
    expect([(await countRows('event', stuck)) > 0, await countRows('event', other)]).toEqual([true, 0])
    await test.superuser.query('drop function hold_on cascade')
    await house()
    expect(await countRows('event', stuck)).toBe(0)
  })

  it('that lives can not be removed by the role that removes', async () => {
    const session = await playSession(test.db)
    const { rowCount } = await test.db.system.query('delete from session where id = $1', [session.sessionId])
    expect(rowCount).toBe(0)
    const purged = await test.db.system.query('select purge_session($1) as hashes', [session.sessionId])
    expect([purged.rows[0]?.['hashes'], (await countRows('event', session)) > 0]).toEqual([null, true])
  })
})

describe('checkpoints that grow old', () => {
  it('let go of their files but for one an hour or a day, for those asked for, and for those forked from; a fork of one says why it can not be', async () => {
    const session = await playSession(test.db)
    const points: { id: string; contentHash: string }[] = []
    const days = 24 * 9 // the same hour of one long gone day
    for (const [hoursOld, trigger] of [[days + 0.04], [days + 0.03, 'MANUAL'], [days + 0.02], [days + 0.01], [0]] as [number, string?][])
      points.push(await checkpoint(session, { hoursOld, ...(trigger === undefined ? {} : { trigger }) }))
    const [old, asked, forked, ofItsHour, newest] = points.map(({ id }) => id) as [string, string, string, string, string]
    await fork(session, forked)
    await house()
    expect(await Promise.all([old, asked, forked, ofItsHour, newest].map(hasFiles))).toEqual([false, true, true, true, true])
    expect(await listAll(snapshots)).not.toContain(points[0]?.contentHash)
    await expect(fork(session, old)).rejects.toThrow(/can't be used any more: .*thin out with age/)
  })

  it('thin out as each tenant has it: in one pass, what one keeps for good another lets go of, and what was asked for or forked from stays in both', async () => {
    const sessions = [await playSession(test.db), await playSession(test.db)] as const
    const ages = { asked: 24 * 9, forked: 24 * 9, past: 24 * 9, early: 60, late: 60, newest: 30 }
    const points = await Promise.all(
      sessions.map(async (session) => {
        const taken: Record<string, string> = {}
        for (const [name, hoursOld] of Object.entries(ages))
          taken[name] = (await checkpoint(session, { hoursOld, ...(name === 'asked' ? { trigger: 'MANUAL' } : {}) })).id
        await fork(session, String(taken['forked']))
        return taken
      }),
    )
    const [shorter, longer] = sessions.map(({ tenantId }) => tenantId) as [string, string]
    const retain = (id: string, checkpointRetention: UpdateTenant['checkpointRetention']) =>
      updateTenant(test.db, { id, name: null, status: null, maxConcurrentSessions: null, checkpointRetention })
    await retain(shorter, { allForHours: null, hourlyForDays: 0, dailyForDays: 2 })
    await retain(longer, { allForHours: 24 * 7, hourlyForDays: null })
    await house()
    const kept = await Promise.all(
      points.map(async (of) => {
        const has = await Promise.all(Object.entries(of).map(async ([name, id]) => ((await hasFiles(id)) ? [name] : [])))
        return has.flat()
      }),
    )
    expect(kept).toEqual([
      ['asked', 'forked', 'newest'],
      ['asked', 'forked', 'past', 'early', 'late', 'newest'],
    ])
    await retain(longer, { allForHours: 1, hourlyForDays: null, dailyForDays: 2 })
    await retain(longer, { allForHours: null, hourlyForDays: null, dailyForDays: null })
    await house()
    expect(await Promise.all(['past', 'early', 'late', 'newest'].map((name) => hasFiles(String(points[1]?.[name]))))).toEqual([
      true,
      false,
      true,
      true,
    ])
  })

  it('keep those that one without files of its own goes back to, which somebody asked for while nothing ran', async () => {
    const session = await playSession(test.db)
    const suspended = await checkpoint(session, { trigger: 'SUSPEND' })
    const { id: asked } = await takeCheckpoint(test.db, session)
    const later = await checkpoint(session)
    const newest = await checkpoint(session)
    await test.superuser.query(
      "update checkpoint set created_at = now() - interval '219 hours' - case id when $2 then interval '1 minute' else interval '0' end where id = any($1)",
      [[suspended.id, later.id], suspended.id],
    )
    const forked = await fork(session, asked)
    await house()
    expect(await Promise.all([suspended, later, newest].map(({ id }) => hasFiles(id)))).toEqual([true, true, true])
    await remove(forked)
    await test.superuser.query("update checkpoint set trigger = 'BEFORE_EVALUATION' where id = $1", [asked])
    for (let pass = 0; pass < 2; pass++) await house()
    expect(await Promise.all([suspended, later, newest].map(({ id }) => hasFiles(id)))).toEqual([false, true, true])
    await expect(fork(session, asked)).rejects.toThrow(/can't be used any more: .*thin out with age/)
  })

  it('and a fork that begins at the same moment: it has its files, or it is refused', async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 12; round++) {
      const session = await playSession(test.db)
      const old = await checkpoint(session, { hoursOld: 24 * 9 + 0.02 })
      await checkpoint(session, { hoursOld: 24 * 9 + 0.01 })
      await checkpoint(session)
      const [begun] = await Promise.allSettled([
        new Promise((resolve) => setTimeout(resolve, round % 4)).then(() => fork(session, old.id)),
        thinCheckpoints(test.db),
      ])
      outcomes.add(begun.status)
      if (begun.status === 'rejected') expect(String(begun.reason)).toContain('thin out')
      expect(await hasFiles(old.id)).toBe(begun.status === 'fulfilled')
    }
    expect(outcomes.size).toBeGreaterThan(0)
  }, 60_000)
})

describe('an archive', () => {
  it('that no checkpoint has goes after an hour, with its bytes, and one that a checkpoint has, or a baseline, stays', async () => {
    const session = await playSession(test.db)
    const { contentHash: kept } = await checkpoint(session)
    const tar = (text: string) => Readable.from([Buffer.from(text)])
    const baseline = await saveSnapshot({ db: test.db, snapshots }, { ...session, kind: 'baseline', digest: 'd', tar: tar('baseline') })
    await save(session, 'refused')
    await test.superuser.query("update snapshot set created_at = now() - interval '61 minutes' where session_id = $1", [session.sessionId])
    const young = await save(session, 'being recorded')
    await house()
    expect(new Set(await listAll(snapshots))).toEqual(new Set([kept, baseline.contentHash, young.contentHash]))
  })
})

describe('stored bytes', () => {
  const age = (contentHash: string) => utimes(path.join(root, contentHash.slice(0, 2), `${contentHash}.zst`), 0, 0)

  it('that no row names go once they are old enough, and those that one names stay', async () => {
    const session = await playSession(test.db)
    const named = await save(session, 'named')
    const [orphan, young] = [
      await snapshots.put(Readable.from([Buffer.from('orphan')])),
      await snapshots.put(Readable.from([Buffer.from('young')])),
    ]
    for (const { contentHash } of [named, orphan]) await age(contentHash)
    await sweepStore({ db: test.db, snapshots, logger })
    expect(new Set(await listAll(snapshots))).toEqual(new Set([named.contentHash, young.contentHash]))
  })

  it('that are put again while they are swept are there for who names them, or he is told', async () => {
    const session = await playSession(test.db)
    const { contentHash } = await snapshots.put(Readable.from([Buffer.from('again')]))
    for (let round = 0; round < 20; round++) {
      const [saved] = await Promise.allSettled([save(session, 'again'), removeContent({ db: test.db, snapshots }, contentHash)])
      expect(await snapshots.has(contentHash)).toBe(saved.status === 'fulfilled')
      await test.superuser.query('delete from snapshot where session_id = $1', [session.sessionId])
    }
  })
})

it('answers to idempotency keys go after seven days', async () => {
  const insert =
    'insert into idempotency_key (tenant_id, mutation, key, input_hash, result, created_at) values ($1, $1, $2, $1, $3, now() - $4::interval)'
  await test.superuser.query(insert, ['t', 'old', '{}', '8 days'])
  await test.superuser.query(insert, ['t', 'kept', '{}', '6 days'])
  await house()
  expect((await test.superuser.query("select key from idempotency_key where tenant_id = 't'")).rows).toEqual([{ key: 'kept' }])
})

it('one of all workers keeps house at a time', async () => {
  expect((await Promise.all([house(), house(), house()])).filter(Boolean).length).toBeGreaterThan(0)
  const { violations } = await checkDatabase({
    databaseUrl: test.url,
    snapshots,
    modelWitnesses: [],
    clientWitnesses: [],
    dockerHost: null,
    graceMs: 1_000,
    settled: false,
  })
  expect(violations.filter(({ rule }) => rule === 'R11' || rule === 'R10')).toEqual([])
})
