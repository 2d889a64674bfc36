import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import type { NewEvent } from '../events/event.ts'
import { createId } from '../ids.ts'
import { sendMessage } from '../sessions/send-message.ts'
import { answerOnce } from '../tenants/answer-once.ts'
import { type AppendResult, appendEvents } from './append-events.ts'

type Session = { tenantId: string; keyId: string; sessionId: string; threadId: string }

let test: TestDatabase
let sessions: Session[]

beforeAll(async () => {
  test = await createTestDatabase()
  sessions = []
  for (const tenant of [await seedTenant(test.db), await seedTenant(test.db)]) {
    for (let made = 0; made < 6; made++) {
      const sessionId = await seedSession(silentParts(test.db), tenant)
      const { rows } = await test.superuser.query('select primary_thread_id as thread from session where id = $1', [sessionId])
      sessions.push({ ...tenant.caller, sessionId, threadId: rows[0].thread })
    }
  }
})
afterAll(() => test.close())

const status: NewEvent = { type: 'session.status', actor: 'platform', payload: { status: 'IDLE', stopReason: 'END_TURN', activity: null } }
const append = ({ tenantId, sessionId, threadId }: Session, event: NewEvent = status, epoch: number | null = null): Promise<AppendResult> =>
  appendEvents(test.db, { tenantId, sessionId, threadId, epoch, events: [event] })
const crowd = (): Session[] => [...sessions, ...sessions, ...sessions]
const seqsOf = async (sessionId: string): Promise<number[]> =>
  (await test.superuser.query<{ seq: number }>('select seq from event where session_id = $1 order by seq', [sessionId])).rows.map(
    ({ seq }) => seq,
  )

describe('appends at once', () => {
  it('share transactions, and each is in its own log under the number that it was told', async () => {
    const results = await Promise.all(crowd().map((session) => append(session)))
    const { rows } = await test.superuser.query<{ session_id: string; seq: number; tenant_id: string; xmin: string }>(
      'select session_id, seq, tenant_id, xmin::text from event where type = $1 and payload @> $2',
      ['session.status', JSON.stringify(status.payload)],
    )
    const told = crowd().map(({ tenantId, sessionId }, at) => `${tenantId} ${sessionId} ${(results[at] as { head: number }).head}`)
    expect(rows.map((row) => `${row.tenant_id} ${row.session_id} ${row.seq}`).sort()).toEqual(told.sort())
    expect(new Set(rows.map(({ xmin }) => xmin)).size).toBeLessThan(rows.length / 2)
    for (const { sessionId } of sessions) expect(await seqsOf(sessionId)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('are refused each for itself: an old epoch, another tenant, a session that is not there', async () => {
    const [mine, , , , , , theirs] = sessions as [Session, ...Session[]]
    const wrong = [
      append(mine, status, 7),
      append({ ...mine, tenantId: theirs?.tenantId ?? '' }),
      append({ ...mine, sessionId: createId('ses') }),
    ]
    const right = await Promise.all(crowd().map((session) => append(session)))
    expect(await Promise.all(wrong)).toEqual([{ refused: 'stale_epoch' }, { refused: 'not_found' }, { refused: 'not_found' }])
    expect(right.every(({ refused }) => refused === undefined)).toBe(true)
  })

  it('fail each for itself: what the database refuses to one is written for the others, once', async () => {
    const [first] = sessions as [Session, ...Session[]]
    const conditionId = createId('cnd')
    const condition: NewEvent = {
      type: 'condition.added',
      actor: 'platform',
      payload: { conditionId, name: 'one', kind: 'COMMAND', spec: { command: 'true' } },
    }
    const before = await Promise.all(sessions.map(async ({ sessionId }) => (await seqsOf(sessionId)).length))
    const all = await Promise.allSettled([
      ...sessions.map((session) => append(session)),
      append(first, condition),
      append(first, condition),
    ])
    expect(all.filter(({ status: outcome }) => outcome === 'rejected')).toMatchObject([{ reason: { code: '23505' } }])
    const after = await Promise.all(sessions.map(async ({ sessionId }) => (await seqsOf(sessionId)).length))
    expect(after).toEqual(before.map((count, at) => count + (at === 0 ? 2 : 1)))
  })

  it('wait for nobody else: a session that somebody holds keeps its own appends only', async () => {
    const [held, ...free] = sessions as [Session, ...Session[]]
    const holder = await test.superuser.connect()
    await holder.query('begin')
    await holder.query('select from session where id = $1 for update', [held.sessionId])
    let answered = 0
    const waiting = Array.from({ length: 6 }, () => append(held).finally(() => answered++))
    const others = await Promise.all([...free, ...free].map((session) => append(session)))
    expect(others.every(({ refused }) => refused === undefined)).toBe(true)
    expect(answered).toBe(0)
    await holder.query('commit')
    holder.release()
    const heads = (await Promise.all(waiting)).map((result) => (result as { head: number }).head)
    expect(new Set(heads).size).toBe(6)
  })
})

it('messages at once, each sent twice with its key, are in the log once', async () => {
  const parts = silentParts(test.db)
  await test.superuser.query("update session set status = 'RUNNING'")
  await test.superuser.query("update turn set state = 'running'")
  const send = ({ tenantId, keyId, sessionId }: Session, key: string) =>
    answerOnce<{ sessionId: string; seq: number }>(test.db, { scope: tenantId, mutation: 'sendMessage', key, input: { key } }, (_, kept) =>
      sendMessage(
        parts,
        { tenantId, keyId },
        { sessionId, text: key, mode: 'QUEUE' },
        kept === null ? null : { ...kept, answer: { sessionId } },
      ),
    )
  const sent = crowd().map((session, at) => ({ session, key: `key ${at}` }))
  const results = await Promise.all([...sent, ...sent].map(({ session, key }) => send(session, key)))
  const firsts = results.slice(0, sent.length)
  expect(firsts.map(({ answer }) => answer.seq)).toEqual(results.slice(sent.length).map(({ answer }) => answer.seq))
  const { rows } = await test.superuser.query(
    "select payload->>'text' as text from event where type = 'user.message' and payload->>'text' like 'key %'",
  )
  expect(rows.map(({ text }) => text).sort()).toEqual(sent.map(({ key }) => key).sort())
})

it('a running session takes as many unread messages as its tenant allows and not one more, whatever came before', async () => {
  const parts = silentParts(test.db)
  const tenant = await seedTenant(test.db)
  const sessionId = await seedSession(parts, tenant)
  await test.superuser.query("update session set status = 'RUNNING' where id = $1", [sessionId])
  await test.superuser.query("update turn set state = 'running' where session_id = $1", [sessionId])
  await test.superuser.query('update tenant set backlog_limit = 4 where id = $1', [tenant.tenantId])
  const { rows } = await test.superuser.query('select primary_thread_id as thread from session where id = $1', [sessionId])
  const send = () => sendMessage(parts, tenant.caller, { sessionId, text: 'more', mode: 'QUEUE' })
  // The prompt is unread too. Other events between the messages make the oldest older than the limit's reach.
  await send()
  for (let event = 0; event < 5; event++) await append({ ...tenant.caller, sessionId, threadId: rows[0].thread })
  await test.superuser.query("update session set status = 'RUNNING' where id = $1", [sessionId])
  await send()
  await send()
  await expect(send()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  await test.superuser.query("update tenant set status = 'SUSPENDED' where id = $1", [tenant.tenantId])
  await expect(send()).rejects.toMatchObject({ code: 'FORBIDDEN' })
})
