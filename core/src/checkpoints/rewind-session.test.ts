import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { type Played, playOn, playSession } from '../../testing/play-session.ts'
import { silentParts } from '../../testing/seeds.ts'
import { takeCheckpoint } from '../../testing/take-checkpoint.ts'
import { checkDatabase } from '../checker/check-database.ts'
import { PlatformError } from '../errors.ts'
import { buildContext } from '../events/build-context.ts'
import type { RewindAxis } from '../events/session-events.ts'
import { forkSession } from '../forks/fork-session.ts'
import { createId } from '../ids.ts'
import { appendEvents } from '../log/append-events.ts'
import { readContext } from '../log/read-events.ts'
import { cancelSession } from '../sessions/cancel-session.ts'
import { resumeSession } from '../sessions/resume-session.ts'
import { sendMessage } from '../sessions/send-message.ts'
import { answerOnce } from '../tenants/answer-once.ts'
import { rewindSession } from './rewind-session.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

const callerOf = ({ tenantId }: { tenantId: string }) => ({ tenantId, keyId: createId('key') })
type Of = { tenantId: string; sessionId: string; agentId: string }
const parts = () => silentParts(test.db)

const rewind = (of: Of, checkpoint: { id: string }, axis: RewindAxis = 'BOTH') =>
  rewindSession(parts(), callerOf(of), { checkpointId: checkpoint.id, sessionId: of.sessionId, axis })
/** A message, and what the agent makes of it. */
const goOn = async (of: Of, say: string, leaveOpen = false): Promise<void> => {
  await sendMessage(parts(), callerOf(of), { sessionId: of.sessionId, text: `please ${say}`, mode: 'QUEUE' })
  await playOn(test.db, { ...of, say, leaveOpen, callId: `toolu_${say}` })
}
const rowOf = async (of: Of) => (await test.superuser.query('select * from session where id = $1', [of.sessionId])).rows[0]
const threadOf = async (of: Of) => (await test.superuser.query('select * from thread where session_id = $1', [of.sessionId])).rows[0]
const contextOf = async (of: Of) => {
  const { id: threadId, context_from_seq: fromSeq } = await threadOf(of)
  return buildContext(await readContext(test.db, { ...of, threadId, fromSeq }))
}
const typesAfter = async (of: Of, seq: number): Promise<string[]> =>
  (await test.superuser.query('select type from event where session_id = $1 and seq > $2 order by seq', [of.sessionId, seq])).rows.map(
    ({ type }) => type,
  )
const clean = async (): Promise<void> => {
  const { violations } = await checkDatabase({ databaseUrl: test.url, graceMs: 60_000 })
  expect(violations).toEqual([])
}
const play = async (): Promise<Played & { point: { id: string; seq: number }; as: unknown }> => {
  const played = await playSession(test.db)
  const point = await takeCheckpoint(test.db, played)
  return { ...played, point, as: await contextOf(played) }
}

describe('a session that is taken back', () => {
  it('has the context that it had at the checkpoint, erases nothing, and rests until somebody speaks', async () => {
    const played = await play()
    await goOn(played, 'alpha')
    const { head } = await rowOf(played)
    await rewind(played, played.point)

    expect(await contextOf(played)).toEqual(played.as)
    expect(await typesAfter(played, head)).toEqual(['session.rewound', 'session.status'])
    expect(await rowOf(played)).toMatchObject({ status: 'PAUSED', stop_reason: 'PAUSED_BY_USER', head: head + 2 })
    expect((await threadOf(played)).undone).toEqual([[played.point.seq + 1, head]])
    await clean()

    await goOn(played, 'beta')
    const now = JSON.stringify(await contextOf(played))
    expect(now).toContain('beta')
    expect(now).not.toContain('alpha')
    await clean()
  })

  it('goes back to what was undone too, again and again, and each time stands where it stood there', async () => {
    const played = await play()
    await goOn(played, 'alpha')
    const alpha = { point: await takeCheckpoint(test.db, played), as: await contextOf(played) }
    await rewind(played, played.point)
    await goOn(played, 'beta')
    const beta = { point: await takeCheckpoint(test.db, played), as: await contextOf(played) }
    for (const { point, as } of [alpha, beta, played, beta, alpha]) {
      await rewind(played, point)
      expect(await contextOf(played)).toEqual(as)
    }
    await goOn(played, 'gamma')
    const now = JSON.stringify(await contextOf(played))
    expect([now.includes('alpha'), now.includes('beta'), now.includes('gamma')]).toEqual([true, false, true])
    await clean()
  })

  it('reads again what was unread at the checkpoint, and no message that came after it', async () => {
    const played = await playSession(test.db)
    await sendMessage(parts(), callerOf(played), { sessionId: played.sessionId, text: 'before', mode: 'QUEUE' })
    const point = await takeCheckpoint(test.db, played)
    await sendMessage(parts(), callerOf(played), { sessionId: played.sessionId, text: 'after', mode: 'QUEUE' })
    await playOn(test.db, { ...played, say: 'alpha', callId: 'toolu_2' })
    await rewind(played, point)
    const { rows } = await test.superuser.query('select seq from unread_message where session_id = $1', [played.sessionId])
    expect(rows).toEqual([{ seq: played.head + 1 }])
    await resumeSession(parts(), callerOf(played), { sessionId: played.sessionId })
    await playOn(test.db, { ...played, say: 'beta', callId: 'toolu_3' })
    const now = JSON.stringify(await contextOf(played))
    expect([now.includes('before'), now.includes('after'), now.includes('alpha')]).toEqual([true, false, false])
    await clean()
  })

  it('keeps its conditions, whose verdicts count no more, and what it has spent', async () => {
    const played = await play()
    const before = await rowOf(played)
    await rewind(played, played.point)
    const { rows } = await test.superuser.query('select name, status from condition where session_id = $1', [played.sessionId])
    expect(rows).toEqual([{ name: 'it works', status: 'PENDING' }])
    const { turns, tool_calls, input_tokens, evaluation_rounds } = await rowOf(played)
    expect({ turns, tool_calls, input_tokens, evaluation_rounds }).toEqual({
      turns: before.turns,
      tool_calls: before.tool_calls,
      input_tokens: before.input_tokens,
      evaluation_rounds: 1,
    })
    await clean()
  })

  it('lets nobody write who held its claim before', async () => {
    const played = await play()
    const { rows: before } = await test.superuser.query('select epoch from claim where session_id = $1', [played.sessionId])
    await rewind(played, played.point, 'FILES')
    const late = await appendEvents(test.db, { ...played, epoch: before[0].epoch, events: [] })
    expect(late).toEqual({ refused: 'stale_epoch' })
    const { rows } = await test.superuser.query('select epoch from claim where session_id = $1', [played.sessionId])
    expect(rows[0].epoch).toBe(before[0].epoch + 1)
  })
})

describe('the files of a session that are taken back alone', () => {
  it('leave its conversation as it is, which says what has happened to them', async () => {
    const played = await play()
    await goOn(played, 'alpha')
    const before = await contextOf(played)
    await rewind(played, played.point, 'FILES')
    const now = await contextOf(played)
    expect(now.slice(0, before.length - 1)).toEqual(before.slice(0, -1))
    const said = JSON.stringify(now.at(-1))
    expect(said).toContain(`took the files back to a checkpoint: they are as they were after event ${played.point.seq}`)
    const { rows } = await test.superuser.query("select seq from event where session_id = $1 and type = 'agent.tool_call' and seq > $2", [
      played.sessionId,
      played.point.seq,
    ])
    expect(said).toContain(`are gone (numbers in the log): ${rows[0].seq}.`)
    expect((await threadOf(played)).undone).toEqual([])
    await clean()
  })

  it('end every call that has no result, so that the model can be asked again', async () => {
    const played = await play()
    await goOn(played, 'alpha', true)
    await rewind(played, played.point, 'FILES')
    const [result, said] = (await contextOf(played)).at(-1)?.content ?? []
    expect(result).toMatchObject({ type: 'tool_result', tool_use_id: 'toolu_alpha', is_error: true })
    expect(result).toMatchObject({ content: expect.stringMatching(/^Not run: the files were taken back/) })
    expect(said).toMatchObject({ text: expect.stringContaining('took the files back') })
    await clean()
  })

  it('back to where a call was open end it again, as a fork does', async () => {
    const played = await play()
    await goOn(played, 'alpha', true)
    const point = await takeCheckpoint(test.db, played)
    await resumeSession(parts(), callerOf(played), { sessionId: played.sessionId })
    await rewind(played, point, 'CONVERSATION')
    const once = await contextOf(played)
    expect(once.at(-1)?.content).toMatchObject([{ type: 'tool_result', tool_use_id: 'toolu_alpha', is_error: true }])
    await rewind(played, point)
    expect(await contextOf(played)).toEqual(once)
    await clean()
  })
})

describe('a fork', () => {
  it('of what was undone has it, and one of a session that was taken back has it not', async () => {
    const played = await play()
    await goOn(played, 'alpha')
    const alpha = await takeCheckpoint(test.db, played)
    const as = await contextOf(played)
    await rewind(played, played.point)
    await goOn(played, 'beta')
    const beta = await takeCheckpoint(test.db, played)
    const now = await contextOf(played)
    const forkOf = async (point: { id: string }): Promise<Of> => {
      const forks = [{ title: null, prompt: null, agentId: null, budgetNanos: null }]
      const { sessionIds } = await forkSession(parts(), callerOf(played), { checkpointId: point.id, forks })
      return { ...played, sessionId: sessionIds[0] ?? '' }
    }
    const [ofAlpha, ofBeta] = [await forkOf(alpha), await forkOf(beta)]
    expect(await contextOf(ofAlpha)).toEqual(as)
    expect(await contextOf(ofBeta)).toEqual(now)
    await clean()
    // Both go back to where their parent had begun, which they inherit.
    for (const fork of [ofAlpha, ofBeta]) {
      await rewind(fork, played.point)
      expect(await contextOf(fork)).toEqual(played.as)
    }
    await rewind(ofBeta, alpha)
    expect(await contextOf(ofBeta)).toEqual(as)
    await clean()
    // What it does not inherit it can't go back to.
    await expect(rewind(ofAlpha, beta)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a rewind', () => {
  it('is refused while the session is at work, and once it has ended', async () => {
    const running = await playSession(test.db, { leaveRunning: true })
    const played = await play()
    await test.superuser.query("update session set status = 'RUNNING' where id = $1", [played.sessionId])
    await expect(rewind(played, played.point)).rejects.toMatchObject({ code: 'CONFLICT', extensions: { status: 'RUNNING' } })
    await test.superuser.query("update session set status = 'IDLE' where id = $1", [played.sessionId])
    await expect(rewind(running, played.point)).rejects.toBeInstanceOf(PlatformError)
    await cancelSession(parts(), callerOf(played), { sessionId: played.sessionId, reason: null })
    await expect(rewind(played, played.point)).rejects.toMatchObject({ code: 'CONFLICT', extensions: { status: 'CANCELED' } })
  })

  it('happens once for a key, also where two ask at once', async () => {
    const played = await play()
    const input = { checkpointId: played.point.id, sessionId: null, axis: 'BOTH' as const }
    const once = () =>
      answerOnce<{ sessionId: string }>(test.db, { scope: played.tenantId, mutation: 'rewindSession', key: 'k', input }, (keep) =>
        rewindSession(parts(), callerOf(played), input, (client, id) => keep(client, { sessionId: id })),
      )
    const answers = await Promise.all([once(), once(), once()])
    expect(new Set(answers.map(({ answer }) => answer.sessionId))).toEqual(new Set([played.sessionId]))
    expect((await typesAfter(played, 0)).filter((type) => type === 'session.rewound')).toHaveLength(1)
  })

  it("of files that are on an engine which doesn't answer is UNAVAILABLE, until they are archived; of spoilt ones CONFLICT", async () => {
    const played = await play()
    const set = (columns: string) => test.superuser.query(`update checkpoint set ${columns} where id = $1`, [played.point.id])
    await set("image_id = 'sha256:x', engine_id = 'eng_away'")
    await expect(rewind(played, played.point)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await rewind(played, played.point, 'CONVERSATION')
    await set("problem = 'its archive is not what was stored'")
    await expect(rewind(played, played.point)).rejects.toMatchObject({ code: 'CONFLICT' })
    await set('problem = null, image_id = null, engine_id = null')
  })

  it('and a fork, of a moment without a sandbox lead to the files of the checkpoint before, and where those lie nowhere else wait for their engine', async () => {
    const played = await play()
    const set = (columns: string) => test.superuser.query(`update checkpoint set ${columns} where id = $1`, [played.point.id])
    await set("image_id = 'sha256:x', engine_id = 'eng_away'")
    const { id } = await takeCheckpoint(test.db, played)
    const forks = [{ title: null, prompt: null, agentId: null, budgetNanos: null }]
    const fork = () => forkSession(parts(), callerOf(played), { checkpointId: id, forks })
    await expect(rewind(played, { id })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(fork()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    // Whoever is about to begin with them keeps them: the reaper leaves them alone meanwhile.
    await set("trigger = 'CADENCE'")
    const thin = async () =>
      (await test.db.system.query<{ id: string }>('select thin_checkpoints($1, 0) as id', [[played.point.id]])).rows.map((row) => row.id)
    expect(await thin()).toEqual([])
    await test.superuser.query("update checkpoint set trigger = 'BEFORE_EVALUATION' where id = $1", [id])
    const hold = await test.db.app.connect()
    await hold.query('begin')
    await hold.query('select read_rewind_target($1, $2, $3)', [played.tenantId, played.sessionId, id])
    expect(await thin()).toEqual([])
    await hold.query('rollback')
    hold.release()
    expect(await thin()).toEqual([played.point.id])
    // Nobody is given other files than those that were there.
    await expect(rewind(played, { id })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(fork()).rejects.toMatchObject({ code: 'CONFLICT' })
    await set('problem = null, image_id = null, engine_id = null')
  })
})
