import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { USAGE } from '../../testing/simulation/arbitrary-log.ts'
import { checkLogs } from '../checker/check-logs.ts'
import type { Scope } from '../checker/report.ts'
import type { NewEvent } from '../events/event.ts'
import { createId } from '../ids.ts'
import { cleanJson } from '../text.ts'
import { appendEvents } from './append-events.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

/** What nobody should send and everybody does: NUL, lone surrogates, any code point, deep values. */
const wildText = fc.string({
  unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.constantFrom('\0', '\ud800', '\udc00', 'é', '"', '\\')),
  maxLength: 20,
})
const count = fc.nat({ max: 1_000_000 })

/** Draws an event for the state it meets: which messages wait, which conditions stand. */
type State = { seq: number; unread: number[]; uploads: number[]; conditions: string[]; round: number }
type Draw = (state: State) => NewEvent | null

const drawn: fc.Arbitrary<Draw> = fc.oneof(
  fc.tuple(wildText, fc.constantFrom('queue', 'steer', 'interrupt')).map(
    ([text, mode]): Draw =>
      (state) => {
        state.unread.push(state.seq)
        return { type: 'user.message', actor: 'key_1', payload: { text, mode } }
      },
  ),
  fc.nat({ max: 3 }).map(
    (many): Draw =>
      (state) => {
        const seqs = state.unread.splice(0, many)
        return seqs.length === 0 ? null : { type: 'user.message_read', actor: 'platform', payload: { turnId: 'trn_1', seqs } }
      },
  ),
  fc.tuple(fc.constantFrom('IDLE', 'RUNNING', 'COMPLETED', 'PAUSED', 'QUEUED'), fc.option(wildText)).map(
    ([status, activity]): Draw =>
      () => ({ type: 'session.status', actor: 'platform', payload: { status, stopReason: null, activity } }),
  ),
  fc.tuple(count, count, count, wildText, fc.option(fc.bigInt({ min: 0n, max: 10n ** 15n }))).map(
    ([inputTokens, outputTokens, cacheWrite5mTokens, text, cost]): Draw =>
      () => ({
        type: 'agent.message',
        actor: 'agent',
        payload: {
          turnId: createId('trn'),
          model: 'm',
          content: [{ type: 'text', text }],
          stopReason: 'end_turn',
          usage: { ...USAGE, inputTokens, outputTokens, cacheWrite5mTokens },
          basis: 'exact',
          reservationId: createId('rsv'),
          promptHash: 'h',
          brokenCalls: [],
        },
        ...(cost === null ? {} : { costNanos: cost }),
      }),
  ),
  fc.tuple(fc.jsonValue(), wildText).map(
    ([input, summary]): Draw =>
      () => ({
        type: 'agent.tool_call',
        actor: 'agent',
        payload: { turnId: 't', callId: 'c', name: 'bash', input, permission: 'ALWAYS_ALLOW', summary },
      }),
  ),
  fc.tuple(wildText, fc.double({ min: 0, max: 1e9, noNaN: true })).map(
    ([output, durationMs]): Draw =>
      ({ seq }) => ({
        type: 'agent.tool_result',
        actor: 'agent',
        payload: {
          turnId: 't',
          callId: 'c',
          callSeq: seq,
          outcome: 'done',
          output,
          isError: false,
          exitCode: 0,
          durationMs,
          truncated: false,
          outputFile: null,
        },
      }),
  ),
  fc.tuple(wildText, fc.constantFrom('file', 'folder'), count).map(
    ([path, kind, sizeBytes]): Draw =>
      (state) => {
        state.uploads.push(state.seq)
        const payload = { path, kind, files: 1, sizeBytes, storedBytes: sizeBytes, digest: 'd' }
        return { type: 'user.upload', actor: 'key_1', payload }
      },
  ),
  fc.nat({ max: 3 }).map(
    (many): Draw =>
      ({ uploads }) => {
        // Also again, as in a sandbox that was made anew.
        const [first, ...seqs] = uploads.slice(-many - 1)
        if (first === undefined) return null
        return {
          type: 'user.upload_placed',
          actor: 'platform',
          payload: { turnId: 't', seqs, refused: [{ seq: first, reason: 'a link stands there' }] },
        }
      },
  ),
  fc.constantFrom('agent.compacted' as const, 'agent.reset' as const).map(
    (type): Draw =>
      () =>
        type === 'agent.compacted'
          ? { type, actor: 'agent', payload: { turnId: 't', summary: 's' } }
          : { type, actor: 'agent', payload: { turnId: 't', handOff: 'h' } },
  ),
  fc.tuple(fc.constantFrom('RUNNING', 'SUSPENDED', 'LOST', 'GONE'), fc.option(fc.constant('eng_1'))).map(
    ([state, engineId]): Draw =>
      () => ({
        type: 'sandbox.state',
        actor: 'platform',
        payload: { state, sandboxId: 'box', provider: 'docker', engineId, image: 'default', isolated: true },
      }),
  ),
  fc.tuple(fc.nat({ max: 2 }), fc.constantFrom('FILES', 'CONVERSATION', 'BOTH'), fc.option(wildText)).map(
    ([many, axis, label]): Draw =>
      (state) => {
        const undone: [number, number][] = [[1, state.seq - 1]]
        if (axis !== 'FILES') state.unread.splice(many)
        const unread = state.unread.map((seq) => ({ seq, mode: 'steer' as const }))
        const thread = axis === 'FILES' ? null : { contextFromSeq: 1, contextTokens: many, unread, undone }
        const files = axis === 'CONVERSATION' ? null : { originId: many === 0 ? null : 'ckp_1', engineId: null, undone, lostCalls: [many] }
        return { type: 'session.rewound', actor: 'key_1', payload: { checkpointId: 'ckp_1', seq: 0, label, axis, thread, files } }
      },
  ),
  fc.constant<Draw>((state) => {
    const conditionId = createId('cnd')
    state.conditions.push(conditionId)
    return { type: 'condition.added', actor: 'key_1', payload: { conditionId, name: conditionId, kind: 'COMMAND', spec: { run: 'true' } } }
  }),
  fc.nat().map(
    (which): Draw =>
      ({ conditions }) => {
        const conditionId = conditions[which % Math.max(1, conditions.length)]
        return conditionId === undefined
          ? null
          : { type: 'condition.waived', actor: 'key_1', payload: { conditionId, name: conditionId, reason: 'enough' } }
      },
  ),
  fc.tuple(fc.nat(), fc.constantFrom('SATISFIED', 'UNSATISFIED', 'BLOCKED', 'ERROR'), wildText).map(
    ([which, verdict, explanation]): Draw =>
      (state) => {
        const conditionId = state.conditions[which % Math.max(1, state.conditions.length)]
        if (conditionId === undefined) return null
        state.round++
        const verdicts = { verdict, explanation, evidence: { explanation }, workspaceDigest: 'd', isolated: true }
        return {
          type: 'condition.evaluated',
          actor: 'platform',
          payload: { turnId: 't', evaluationId: createId('evl'), conditionId, name: 'c', round: state.round, ...verdicts },
        }
      },
  ),
)

const seed = async () => {
  const tenant = await seedTenant(test.db)
  const sessionId = await seedSession(silentParts(test.db), tenant)
  const { rows } = await test.superuser.query<{ threadId: string; head: number }>(
    'select primary_thread_id as "threadId", head from session where id = $1',
    [sessionId],
  )
  return { tenantId: tenant.tenantId, sessionId, threadId: rows[0]!.threadId, head: rows[0]!.head }
}

/** Numbers, hashes and projection of all the tenant's logs, as the checker computes them again. */
const findFaults = async (tenantId: string): Promise<string[]> => {
  const client = await test.db.app.connect()
  const violations: Scope['violations'] = []
  try {
    await client.query('begin')
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    await checkLogs({ client, tenantId, violations, unchecked: [], graceMs: 0, settled: false })
  } finally {
    await client.query('rollback')
    client.release()
  }
  return violations.map(({ what }) => what)
}

describe('a log', () => {
  it('is numbered without gaps, chained, and folds to the stored projection, whatever is appended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(drawn, { maxLength: 4 }), { minLength: 1, maxLength: 6 }), async (batches) => {
        const { tenantId, sessionId, threadId, head } = await seed()
        const state: State = { seq: head + 1, unread: [head], uploads: [], conditions: [], round: 0 }
        const sent: NewEvent[] = []
        for (const batch of batches) {
          const events: NewEvent[] = []
          for (const draw of batch) {
            const event = draw(state)
            if (event === null) continue
            events.push(event)
            state.seq++
          }
          const result = await appendEvents(test.db, { tenantId, sessionId, threadId, epoch: null, events })
          expect(result).toMatchObject({ first: state.seq - events.length, head: state.seq - 1 })
          sent.push(...events)
        }
        const { rows } = await test.superuser.query<{ type: string; payload: Record<string, unknown> }>(
          'select type, payload from event where session_id = $1 and seq > $2 order by seq',
          [sessionId, head],
        )
        const stored = rows.map(({ type, payload: { lossy: _, ...payload } }) => ({ type, payload }))
        expect(stored).toEqual(sent.map(({ type, payload }) => ({ type, payload: jsonOf({ v: 1, ...payload }) })))
        expect(await findFaults(tenantId)).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it('stays whole when many append at once, and tells each where its events stand', async () => {
    const { tenantId, sessionId, threadId, head } = await seed()
    const message = (text: string): NewEvent => ({ type: 'user.message', actor: 'key_1', payload: { text, mode: 'queue' } })
    const results = await Promise.all(
      Array.from({ length: 120 }, (_, index) =>
        appendEvents(test.db, {
          tenantId,
          sessionId,
          threadId,
          epoch: null,
          events: Array.from({ length: (index % 3) + 1 }, () => message(`${index}`)),
        }),
      ),
    )
    const { rows } = await test.superuser.query<{ seq: number; text: string }>(
      "select seq, payload->>'text' as text from event where session_id = $1 and seq > $2 order by seq",
      [sessionId, head],
    )
    const texts = new Map(rows.map(({ seq, text }) => [seq, text]))
    for (const [index, result] of results.entries()) {
      if (result.refused !== undefined) throw new Error(result.refused)
      const mine = Array.from({ length: (index % 3) + 1 }, (_, offset) => texts.get(result.first + offset))
      expect(new Set(mine)).toEqual(new Set([`${index}`]))
    }
    expect(rows).toHaveLength(240)
    expect(await findFaults(tenantId)).toEqual([])
  })

  it('refuses what is not an event before anything is written', async () => {
    const { tenantId, sessionId, threadId, head } = await seed()
    const bad = { type: 'user.message', actor: 'key_1', payload: { text: 'x', mode: 'loudly' } } as unknown as NewEvent
    const large = { type: 'user.message', actor: 'key_1', payload: { text: 'x'.repeat(256 * 1024), mode: 'queue' } } as NewEvent
    for (const event of [bad, large])
      await expect(appendEvents(test.db, { tenantId, sessionId, threadId, epoch: null, events: [event] })).rejects.toThrow()
    const { rows } = await test.superuser.query('select head from session where id = $1', [sessionId])
    expect(rows[0]?.head).toBe(head)
  })
})

/** As jsonb gives it back: cleaned, -0 as 0, undefined gone. */
const jsonOf = (value: unknown): unknown => JSON.parse(JSON.stringify(cleanJson(value).value))
