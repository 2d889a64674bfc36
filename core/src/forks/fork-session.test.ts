import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { type Played, playSession } from '../../testing/play-session.ts'
import { silentParts } from '../../testing/seeds.ts'
import { takeCheckpoint } from '../../testing/take-checkpoint.ts'
import { checkDatabase } from '../checker/check-database.ts'
import { addCondition } from '../conditions/add-condition.ts'
import { waiveCondition } from '../conditions/waive-condition.ts'
import { buildContext } from '../events/build-context.ts'
import { createId } from '../ids.ts'
import { readContext } from '../log/read-events.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import { sendMessage } from '../sessions/send-message.ts'
import { type Fork, forkSession } from './fork-session.ts'

let test: TestDatabase
let parent: Played
beforeAll(async () => {
  test = await createTestDatabase()
  parent = await playSession(test.db)
})
afterAll(() => test.close())

const AS_PARENT: Fork = { title: null, prompt: null, agentId: null, budgetNanos: null }
const caller = () => ({ tenantId: parent.tenantId, keyId: createId('key') })
const fork = async (checkpointId: string, ...forks: Partial<Fork>[]): Promise<string[]> =>
  (await forkSession(silentParts(test.db), caller(), { checkpointId, forks: forks.map((one) => ({ ...AS_PARENT, ...one })) })).sessionIds

type Row = Record<string, unknown>
const sessionRow = async (id: string): Promise<Row> =>
  (await test.superuser.query('select * from session where id = $1', [id])).rows[0] as Row
const logOf = async (sessionId: string): Promise<{ seq: number; type: string; hash: string; thread_id: string; payload: string }[]> =>
  (await test.db.app.query('select * from read_log_page($1, $2, 1, 1000, 100000000)', [parent.tenantId, sessionId])).rows
const contextOf = async (sessionId: string, fromSeq = 1) => {
  const { primary_thread_id: threadId } = await sessionRow(sessionId)
  return readContext(test.db, { tenantId: parent.tenantId, sessionId, threadId: String(threadId), fromSeq })
}
const clean = async () => {
  const { violations } = await checkDatabase({ databaseUrl: test.url, graceMs: 60_000 })
  expect(violations).toEqual([])
}

describe('a fork', () => {
  it("reads its parent's log up to the checkpoint, goes on numbering and chaining there, and leaves the parent as it was", async () => {
    const checkpoint = await takeCheckpoint(test.db, parent)
    const before = [await sessionRow(parent.sessionId), await logOf(parent.sessionId)]
    const [sessionId = ''] = await fork(checkpoint.id, { prompt: 'Try another way.' })

    const inherited = (await logOf(parent.sessionId)).slice(0, checkpoint.seq)
    const log = await logOf(sessionId)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    expect(log.slice(0, checkpoint.seq).map(({ hash }) => hash)).toEqual(inherited.map(({ hash }) => hash))
    expect(log.slice(checkpoint.seq).map(({ type }) => type)).toEqual([
      'session.forked',
      'condition.added',
      'session.status',
      'user.message',
    ])
    const row = await sessionRow(sessionId)
    expect(row).toMatchObject({ status: 'QUEUED', base_seq: checkpoint.seq, head: log.length, head_hash: log.at(-1)?.hash, turns: 0 })
    expect(new Set(log.map(({ thread_id }) => thread_id))).toEqual(new Set([row['primary_thread_id']]))
    expect([await sessionRow(parent.sessionId), await logOf(parent.sessionId)]).toEqual(before)
    await clean()
  })

  it('has the context of its parent, in a thread of its own, wherever a reader begins', async () => {
    const checkpoint = await takeCheckpoint(test.db, parent)
    const [sessionId = ''] = await fork(checkpoint.id, { prompt: 'Try another way.' })
    const theirs = await contextOf(parent.sessionId)
    const ours = await contextOf(sessionId)
    expect(buildContext(ours.slice(0, checkpoint.seq))).toEqual(buildContext(theirs.slice(0, checkpoint.seq)))
    for (const from of [1, 4, checkpoint.seq, checkpoint.seq + 1, checkpoint.seq + 3])
      expect((await contextOf(sessionId, from)).map(({ seq }) => seq)).toEqual(ours.slice(from - 1).map(({ seq }) => seq))
    const pages = async (from: number) =>
      (await test.db.app.query('select seq from read_log_page($1, $2, $3, 3, 100000000)', [parent.tenantId, sessionId, from])).rows
    expect((await pages(checkpoint.seq - 1)).map(({ seq }) => seq)).toEqual([checkpoint.seq - 1, checkpoint.seq, checkpoint.seq + 1])
  })

  it('is judged anew: its conditions are its own and nobody has judged them; what it spends counts from nothing', async () => {
    const checkpoint = await takeCheckpoint(test.db, parent)
    const [sessionId = ''] = await fork(checkpoint.id, { prompt: 'Again.', budgetNanos: 5_000n })
    const { rows } = await test.superuser.query(
      'select c.name, c.status, p.status as parents from condition c join condition p on p.name = c.name and p.session_id = $2 where c.session_id = $1',
      [sessionId, parent.sessionId],
    )
    expect(rows).toEqual([{ name: 'it works', status: 'PENDING', parents: 'SATISFIED' }])
    const { rows: budgets } = await test.superuser.query('select limit_nanos::int as cap, set_by from budget where scope_id = $1', [
      sessionId,
    ])
    expect(budgets).toEqual([{ cap: 5_000, set_by: 'TENANT' }])
    expect(await sessionRow(sessionId)).toMatchObject({ input_tokens: 0n.toString(), tool_calls: 0, evaluation_rounds: 0 })
  })

  it('has waived what was waived at the checkpoint, and is asked for what was waived only later', async () => {
    const waiving = await playSession(test.db)
    const whose = { tenantId: waiving.tenantId, keyId: 'key_x' }
    const add = (name: string) =>
      addCondition(silentParts(test.db), whose, {
        sessionId: waiving.sessionId,
        condition: { name, kind: 'COMMAND', spec: { run: 'false' } },
      })
    const waive = (conditionId: string) =>
      waiveCondition(silentParts(test.db), whose, { sessionId: waiving.sessionId, conditionId, reason: 'not needed' })
    const [before, after] = [await add('waived before'), await add('waived after')]
    await waive(before.conditionId)
    const checkpoint = await takeCheckpoint(test.db, waiving)
    await waive(after.conditionId)
    const { sessionIds } = await forkSession(silentParts(test.db), whose, { checkpointId: checkpoint.id, forks: [AS_PARENT] })
    const { rows } = await test.superuser.query('select name, status from condition where session_id = $1 order by position', [
      sessionIds[0],
    ])
    expect(rows).toEqual([
      { name: 'it works', status: 'PENDING' },
      { name: 'waived before', status: 'WAIVED' },
      { name: 'waived after', status: 'PENDING' },
    ])
    await clean()
  })

  it("keeps its parent's caps, whoever set them, but for the lifetime cap that it is given itself", async () => {
    const capped = await playSession(test.db)
    const cap = (period: string, setBy: string) =>
      test.superuser.query(
        "insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos) values ($1, $2, 'SESSION', $3, $4, $5, 9000000000)",
        [createId('bgt'), capped.tenantId, capped.sessionId, period, setBy],
      )
    await cap('LIFETIME', 'OPERATOR')
    await cap('LIFETIME', 'TENANT')
    const checkpoint = await takeCheckpoint(test.db, capped)
    const forks = [AS_PARENT, { ...AS_PARENT, budgetNanos: 7n }]
    const { sessionIds } = await forkSession(
      silentParts(test.db),
      { tenantId: capped.tenantId, keyId: 'key_x' },
      { checkpointId: checkpoint.id, forks },
    )
    const caps = async (id: string | undefined) =>
      (
        await test.superuser.query<{ cap: string }>(
          "select set_by || ' ' || limit_nanos as cap from budget where scope_id = $1 order by set_by",
          [id],
        )
      ).rows.map(({ cap }) => cap)
    expect(await caps(sessionIds[0])).toEqual(['OPERATOR 9000000000', 'TENANT 9000000000'])
    expect(await caps(sessionIds[1])).toEqual(['OPERATOR 9000000000', 'TENANT 7'])
  })

  it('of a fork reads all three logs as one, also once both ancestors are deleted', async () => {
    const first = await takeCheckpoint(test.db, parent)
    const [child = ''] = await fork(first.id, { prompt: 'One.' })
    const second = await takeCheckpoint(test.db, { tenantId: parent.tenantId, sessionId: child })
    const [grandchild = ''] = await fork(second.id, { prompt: 'Two.' })
    // From the very place where the child begins: it has nothing of its own there.
    const hashes = (await logOf(grandchild)).map(({ hash }) => hash)
    expect(hashes.slice(0, second.seq)).toEqual((await logOf(child)).slice(0, second.seq).map(({ hash }) => hash))
    await clean()
    for (const sessionId of [child, parent.sessionId]) await deleteSession(silentParts(test.db), caller(), { sessionId })
    expect((await logOf(grandchild)).map(({ hash }) => hash)).toEqual(hashes)
    expect(await logOf(child)).toEqual([])
    await expect(fork(first.id, {})).rejects.toThrow(/no checkpoint/)
    await clean()
  })

  it('takes the messages along that its parent had not read', async () => {
    const waiting = await playSession(test.db)
    await sendMessage(
      silentParts(test.db),
      { tenantId: waiting.tenantId, keyId: 'key_x' },
      { sessionId: waiting.sessionId, text: 'Wait.', mode: 'QUEUE' },
    )
    const checkpoint = await takeCheckpoint(test.db, waiting)
    const { sessionIds } = await forkSession(
      silentParts(test.db),
      { tenantId: waiting.tenantId, keyId: 'key_x' },
      { checkpointId: checkpoint.id, forks: [AS_PARENT] },
    )
    const { rows } = await test.superuser.query('select seq, mode from unread_message where session_id = $1', [sessionIds[0]])
    expect(rows).toEqual([{ seq: waiting.head + 1, mode: 'queue' }])
    await clean()
  })
})

describe('a checkpoint', () => {
  it('is not made whole when somebody has claimed the thread since it was begun', async () => {
    const busy = await playSession(test.db)
    const begin = test.db.app.query("select begin_checkpoint($1, $2, null, 'wrk_test', $3) as begun", [
      busy.tenantId,
      busy.sessionId,
      JSON.stringify({ id: 'ckp_torn', trigger: 'CADENCE' }),
    ])
    const { epoch, seq } = (await begin).rows[0].begun
    await test.superuser.query('update claim set epoch = epoch + 1 where session_id = $1', [busy.sessionId])
    const { rows } = await test.db.app.query("select record_checkpoint($1, 'ckp_torn', $2, '[]') as result", [
      busy.tenantId,
      JSON.stringify({ epoch, seq, context: {}, files: 'none' }),
    ])
    expect(rows[0].result).toEqual({ refused: 'stale_epoch' })
    await expect(
      forkSession(silentParts(test.db), { tenantId: busy.tenantId, keyId: 'k' }, { checkpointId: 'ckp_torn', forks: [AS_PARENT] }),
    ).rejects.toThrow(/no checkpoint/)
    expect((await sessionRow(busy.sessionId))['head']).toBe(busy.head)
  })

  it("of another tenant can't be forked, and looks like one that never was", async () => {
    const stranger = await playSession(test.db)
    const checkpoint = await takeCheckpoint(test.db, stranger)
    await expect(fork(checkpoint.id, {})).rejects.toMatchObject({ code: 'NOT_FOUND', message: `There is no checkpoint ${checkpoint.id}.` })
  })
})
