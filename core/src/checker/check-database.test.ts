import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { type Played, playSession } from '../../testing/play-session.ts'
import { createDirectorySnapshotStore } from '../checkpoints/directory-snapshot-store.ts'
import { checkDatabase } from './check-database.ts'
import { fingerprintTenant } from './fingerprint-tenant.ts'

let test: TestDatabase
let folder: string
let played: Played
beforeAll(async () => {
  test = await createTestDatabase()
  folder = await mkdtemp(path.join(tmpdir(), 'longhaul-checker-'))
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  await test.superuser.query('truncate tenant cascade')
  await test.superuser.query('truncate spend, budget, charge, reservation, idempotency_key, lease cascade')
  played = await playSession(test.db)
})

const check = (more: Partial<Parameters<typeof checkDatabase>[0]> = {}) =>
  checkDatabase({ databaseUrl: test.url, graceMs: 60_000, ...more })
const violations = async (more?: Parameters<typeof check>[0]) => (await check(more)).violations.map(({ rule, what }) => `${rule} ${what}`)
const corrupt = (sql: string, ...values: unknown[]) => test.superuser.query(sql, values)

const witness = async (...lines: Record<string, unknown>[]): Promise<string> => {
  const file = path.join(folder, `${Math.trunc(performance.now() * 1000)}.jsonl`)
  await writeFile(file, lines.map((line) => `${JSON.stringify({ v: 1, ...line })}\n`).join(''))
  return file
}

describe('the checker', () => {
  it('finds nothing wrong with a session that was worked on, and says what it could not ask', async () => {
    const report = await check({ settled: true })
    expect(report.violations).toEqual([])
    expect(report.unchecked.filter(({ whole }) => whole).map(({ rule }) => rule)).toEqual(['R1', 'R9', 'R8', 'R10'])
    expect(report.checked).toEqual(['R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R11'])
  })

  const planted: [rule: string, what: RegExp, how: (played: Played) => Promise<unknown>][] = [
    ['R2', /hash chain/, ({ sessionId }) => corrupt("update event set actor = 'nobody' where session_id = $1 and seq = 2", sessionId)],
    [
      'R2',
      /not the one that was hashed/,
      ({ sessionId }) => corrupt(`update event set payload = payload || '{"text": "else"}' where session_id = $1 and seq = 2`, sessionId),
    ],
    ['R2', /is missing/, ({ sessionId }) => corrupt('delete from event where session_id = $1 and seq = 3', sessionId)],
    [
      'R2',
      /the log ends at/,
      ({ sessionId }) => corrupt('delete from event where session_id = $1 and seq = (select head from session where id = $1)', sessionId),
    ],
    ['R2', /outputTokens is/, ({ sessionId }) => corrupt('update session set output_tokens = output_tokens + 1 where id = $1', sessionId)],
    ['R2', /status is "PAUSED"/, ({ sessionId }) => corrupt("update session set status = 'PAUSED' where id = $1", sessionId)],
    ['R2', /condition cnd_/, ({ sessionId }) => corrupt("update condition set status = 'WAIVED' where session_id = $1", sessionId)],
    [
      'R2',
      /unread message/,
      ({ sessionId, threadId, tenantId }) =>
        corrupt(
          "insert into unread_message (session_id, seq, tenant_id, thread_id, mode) values ($1, 2, $2, $3, 'queue')",
          sessionId,
          tenantId,
          threadId,
        ),
    ],
    [
      'R3',
      /no claim holds/,
      ({ sessionId }) =>
        corrupt("update turn set state = 'running' where id = (select id from turn where session_id = $1 limit 1)", sessionId),
    ],
    [
      'R3',
      /does not run/,
      ({ sessionId }) => corrupt("update claim set worker_id = 'wrk_x', turn_id = 'trn_x' where session_id = $1", sessionId),
    ],
    ['R3', /never was/, ({ reservationIds }) => corrupt('update reservation set epoch = 99 where id = $1', reservationIds[0])],
    ['R3', /older epoch after/, ({ reservationIds }) => corrupt('update reservation set epoch = 0 where id = $1', reservationIds[1])],
    ['R5', /disagree/, ({ reservationIds }) => corrupt("update reservation set state = 'held' where id = $1", reservationIds[0])],
    [
      'R5',
      /more than what was held/,
      ({ reservationIds }) => corrupt('update reservation set amount_nanos = 1 where id = $1', reservationIds[0]),
    ],
    [
      'R5',
      /calls sum to/,
      ({ tenantId }) => corrupt("update spend set day_spent = day_spent + 1 where scope = 'TENANT' and scope_id = $1", tenantId),
    ],
    ['R5', /calls sum to/, ({ sessionId }) => corrupt("delete from spend where scope = 'SESSION' and scope_id = $1", sessionId)],
    [
      'R5',
      /its usage costs/,
      ({ reservationIds }) => corrupt("update reservation set model = 'claude-opus-5-5' where id = $1", reservationIds[0]),
    ],
    [
      'R5',
      /a cap was passed/,
      ({ tenantId }) =>
        corrupt(
          "insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos, changed_at) values ('bgt_1', $1, 'TENANT', $1, 'MONTH', 'TENANT', 1, now() - interval '1 hour')",
          tenantId,
        ),
    ],
    ['R6', /no turn of it is open/, ({ sessionId }) => corrupt("update session set status = 'RUNNING' where id = $1", sessionId)],
    [
      'R6',
      /a turn of it is open/,
      ({ sessionId }) => corrupt("update turn set state = 'due' where id = (select id from turn where session_id = $1 limit 1)", sessionId),
    ],
    [
      'R6',
      /nobody will read/,
      ({ sessionId, threadId, tenantId }) =>
        corrupt(
          "insert into unread_message (session_id, seq, tenant_id, thread_id, mode) values ($1, 2, $2, $3, 'queue')",
          sessionId,
          tenantId,
          threadId,
        ),
    ],
    ['R11', /not forced/, () => corrupt('alter table thread no force row level security')],
    ['R11', /visible with no tenant set/, () => corrupt('alter table thread disable row level security')],
    ['R11', /may UPDATE/, () => corrupt('grant update on event to longhaul_app')],
  ]

  it.each(planted)('finds a planted violation of %s: %s', async (rule, what, how) => {
    await how(played)
    try {
      expect(await violations()).toContainEqual(expect.stringMatching(new RegExp(`^${rule} .*${what.source}`)))
    } finally {
      await corrupt('alter table thread enable row level security, force row level security')
      await corrupt('revoke update on event from longhaul_app')
    }
  })

  it('does not call a cap passed that was lowered below what was spent', async () => {
    await corrupt(
      "insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos) values ('bgt_2', $1, 'TENANT', $1, 'LIFETIME', 'TENANT', 1)",
      played.tenantId,
    )
    expect(await violations()).toEqual([])
  })

  it('finds calls that break their rules by the log alone', async () => {
    const { sessionId, call } = played
    const append = (type: string, payload: Record<string, unknown>) =>
      corrupt(
        "select set_config('longhaul.tenant', $1, true), store_projection(append_to_log(s, s.primary_thread_id, $3::jsonb)) from session s where id = $2",
        played.tenantId,
        sessionId,
        JSON.stringify([{ type, actor: 'test', payload: { v: 1, ...payload } }]),
      )
    await append('agent.tool_result', { ...call.result, output: 'again' })
    await append('agent.tool_call', { ...call.call, callId: 'never-asked' })
    await append('agent.tool_result', { ...call.result, callId: 'unheard', callSeq: 99 })
    await append('user.message_read', { turnId: 'trn_x', seqs: [1] })
    await append('session.status', { status: 'CANCELED', stopReason: 'CANCELED_BY_USER', activity: null })
    await append('session.status', { status: 'IDLE', stopReason: 'END_TURN', activity: null })
    const found = (await violations()).join('\n')
    for (const what of [
      'more than one result',
      'the model never asked for',
      'no call that was logged before it',
      'before it was sent',
      'a final status was followed',
    ])
      expect(found).toContain(what)
  })

  it('finds a turn, a claim and a held call that everybody forgot, once their time is over', async () => {
    const forgotten = await playSession(test.db, { leaveRunning: true })
    await corrupt("update lease set expires_at = now() - interval '1 hour'")
    await corrupt("update claim set claimed_at = now() - interval '1 hour' where session_id = $1", forgotten.sessionId)
    await corrupt(
      "update reservation set created_at = now() - interval '1 hour' where session_id = $1 and state = 'held'",
      forgotten.sessionId,
    )
    const found = await violations({ graceMs: 1_800_000 })
    expect(found.filter((what) => /dead for too long|no living worker/.test(what))).toHaveLength(2)
    expect((await violations({ settled: true })).join()).toMatch(/has not come to an end.*held for a call that is over/)
  })
})

describe('the checker with witnesses', () => {
  it('holds the books against what the provider counted, request by request', async () => {
    const { sessionId, costs } = played
    const line = (index: number, more: Record<string, unknown> = {}) => ({
      requestId: `req_${index}`,
      session: sessionId,
      model: 'claude-sonnet-5-5',
      finished: true,
      costNanos: String(costs[index]),
      ...more,
    })
    const clean = await witness(...costs.map((_, index) => line(index)))
    expect(await violations({ modelWitnesses: [clean] })).toEqual([])
    const dearer = await witness(line(0, { costNanos: String(costs[0]! + 1n) }), ...costs.slice(1).map((_, index) => line(index + 1)))
    expect(await violations({ modelWitnesses: [dearer] })).toEqual([expect.stringContaining('request req_0 cost')])
    const more = await witness(...costs.map((_, index) => line(index)), line(0, { requestId: 'req_unheard' }))
    expect(await violations({ modelWitnesses: [more] })).toEqual([expect.stringContaining('nothing was charged or held for it')])
    const fewer = await witness(line(0))
    expect(await violations({ modelWitnesses: [fewer] })).toEqual(
      costs.slice(1).map(() => expect.stringContaining('the provider never counted')),
    )
  })

  it('holds the log against what clients were told', async () => {
    const { sessionId, tenantId, head } = played
    const good = await witness(
      { kind: 'accepted', sessionId, seq: head },
      { kind: 'result', tenantId, mutation: 'createSession', key: 'k', result: sessionId },
      { kind: 'result', tenantId, mutation: 'createSession', key: 'k', result: sessionId },
      { kind: 'status', sessionId, status: 'IDLE' },
      { kind: 'subscribed', subscriber: 'a', sessionId, after: 0 },
      { kind: 'event', subscriber: 'a', sessionId, seq: 1, type: 'session.created' },
      { kind: 'subscribed', subscriber: 'a', sessionId, after: 1 },
      { kind: 'effect', sessionId, key: 'echo' },
      { kind: 'tenant', tenantId, fingerprint: await fingerprintTenant(test.superuser, tenantId) },
    )
    const report = await check({ clientWitnesses: [good] })
    expect(report.violations).toEqual([])
    expect(report.checked).toEqual(expect.arrayContaining(['R1', 'R9']))
    const bad = await witness(
      { kind: 'accepted', sessionId, seq: head + 1 },
      { kind: 'accepted', sessionId: 'ses_gone', seq: null },
      { kind: 'result', tenantId, mutation: 'createSession', key: 'k', result: sessionId },
      { kind: 'result', tenantId, mutation: 'createSession', key: 'k', result: 'ses_other' },
      { kind: 'status', sessionId, status: 'CANCELED' },
      { kind: 'subscribed', subscriber: 'a', sessionId, after: 0 },
      { kind: 'event', subscriber: 'a', sessionId, seq: 2, type: 'agent.message' },
      { kind: 'event', subscriber: 'a', sessionId, seq: 2, type: 'agent.message' },
      { kind: 'effect', sessionId, key: 'echo' },
      { kind: 'effect', sessionId, key: 'echo' },
      { kind: 'tenant', tenantId, fingerprint: 'another' },
    )
    const found = await violations({ clientWitnesses: [bad] })
    expect(found.map((what) => what.split(' ')[0])).toEqual(['R1', 'R1', 'R1', 'R7', 'R9', 'R9', 'R9', 'R9', 'R4', 'R11'])
  })

  it('passes over a line that a kill cut short, and refuses one that is none of ours', async () => {
    const file = await witness({ kind: 'accepted', sessionId: played.sessionId, seq: 1 })
    await writeFile(file, '{"v":1,"kind":"acc', { flag: 'a' })
    expect(await violations({ clientWitnesses: [file] })).toEqual([])
    await expect(check({ clientWitnesses: [await witness({ kind: 'rumour' })] })).rejects.toThrow(/:1 is no witness line/)
  })
})

describe('the checker with a snapshot store', () => {
  it("finds a snapshot that is missing, changed, or nobody's", async () => {
    const root = await mkdtemp(path.join(folder, 'store-'))
    const snapshots = createDirectorySnapshotStore(root)
    const { contentHash, sizeBytes } = await snapshots.put(Readable.from([Buffer.from('the workspace')]))
    const row = (id: string, hash: string) =>
      corrupt(
        "insert into snapshot (id, tenant_id, session_id, kind, digest, content_hash, size_bytes) values ($1, $2, $3, 'baseline', 'd', $4, $5)",
        id,
        played.tenantId,
        played.sessionId,
        hash,
        sizeBytes,
      )
    expect(await violations({ snapshots, graceMs: 0 })).toEqual([expect.stringContaining('R10 a stored snapshot that no row names')])
    await row('snp_1', contentHash)
    expect(await violations({ snapshots })).toEqual([])
    await row('snp_2', 'f'.repeat(64))
    expect(await violations({ snapshots })).toEqual([expect.stringContaining('R8 snapshot ffff')])
    await corrupt("delete from snapshot where id = 'snp_2'")
    await writeFile(path.join(root, contentHash.slice(0, 2), `${contentHash}.zst`), zstdCompressSync('the workspacf'))
    expect(await violations({ snapshots })).toEqual([expect.stringContaining('is not what was stored')])
  })
})
