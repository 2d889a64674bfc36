import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import type { Wake } from '../log/append-events.ts'
import { createPostgresTransport } from '../log/postgres-transport.ts'
import { createWakeQueue } from './bullmq-wake-queue.ts'
import { createWakeHints, type WakeHints } from './wake-hints.ts'
import type { WakeHint, WakeQueue } from './wake-queue.ts'

const quiet = pino({ level: 'silent' })
let test: TestDatabase
let speaker: WakeHints
let queue: WakeQueue

beforeAll(async () => {
  test = await createTestDatabase()
  speaker = createWakeHints(createPostgresTransport(test.url, quiet), quiet)
  queue = createWakeQueue({ kind: 'postgres', url: test.url }, quiet)
})
afterAll(async () => {
  await Promise.all([speaker.close(), queue.close()])
  await test.close()
})

const wake = (turnId: string, engineId: string | null = null): Wake => ({ tenantId: 'tnt_1', turnId, wakeNo: 1, engineId, rank: 1 })

const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await sleep(2)
}

it('tells of the wakes of any engine and of this one, however many come at once, until nobody wants to hear', async () => {
  const listener = createWakeHints(createPostgresTransport(test.url, quiet), quiet)
  const heard: WakeHint[] = []
  const stop = await listener.hear('AB:CD', (hint) => heard.push(hint))
  speaker.say([
    ...Array.from({ length: 300 }, (_, at) => wake(`trn_${at}`, at % 3 === 0 ? 'AB:CD' : at % 3 === 1 ? 'EF:12' : null)),
    wake('trn_last'),
  ])
  await until(() => heard.at(-1)?.turnId === 'trn_last')
  expect(heard).toHaveLength(201)
  expect(heard[0]).toEqual({ tenantId: 'tnt_1', turnId: 'trn_0', engineId: 'AB:CD' })
  expect(heard.every(({ engineId }) => engineId === null || engineId === 'AB:CD')).toBe(true)

  stop()
  const witness: WakeHint[] = []
  await listener.hear(null, (hint) => witness.push(hint))
  speaker.say([wake('trn_later')])
  await until(() => witness.length === 1)
  expect(heard.at(-1)?.turnId).toBe('trn_last')
  await listener.close()
})

it('a consumer with room takes a hint ahead of the job, and the job comes all the same', async () => {
  const taken: string[] = []
  const consumer = await queue.consume({
    engineId: null,
    concurrency: 4,
    onWake: async ({ turnId }) => void taken.push(turnId),
    takesHint: ({ turnId }) => turnId === 'trn_mine',
  })
  queue.send([wake('trn_mine'), wake('trn_theirs')])
  await until(() => taken.length === 3)
  expect(taken.toSorted()).toEqual(['trn_mine', 'trn_mine', 'trn_theirs'])
  expect(taken[0]).toBe('trn_mine')
  await consumer.stop()
})

it('a consumer whose places are all taken is not asked: nobody overtakes who waits in the queue', async () => {
  const asked: string[] = []
  const began: string[] = []
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const consumer = await queue.consume({
    engineId: null,
    concurrency: 1,
    onWake: ({ turnId }) => {
      began.push(turnId)
      return released
    },
    takesHint: ({ turnId }) => {
      asked.push(turnId)
      return true
    },
  })
  queue.send([wake('trn_first')])
  await until(() => began.length === 1)
  const witness: string[] = []
  const listener = createWakeHints(createPostgresTransport(test.url, quiet), quiet)
  await listener.hear(null, ({ turnId }) => witness.push(turnId))
  queue.send([wake('trn_second')])
  await until(() => witness.includes('trn_second'))
  await queue.flush()
  release()
  await until(() => began.includes('trn_second'))
  expect(asked).toEqual(['trn_first'])
  await listener.close()
  await consumer.stop()
})

it('a wake whose turn somebody has claimed by then gets no job', async () => {
  const asked: string[] = []
  const patient = createWakeQueue(
    {
      kind: 'postgres',
      url: test.url,
      findDue: async (turnIds) => {
        asked.push(...turnIds)
        return new Set(turnIds.filter((turnId) => turnId === 'trn_due'))
      },
    },
    quiet,
  )
  const taken: string[] = []
  const consumer = await patient.consume({ engineId: null, concurrency: 4, onWake: async ({ turnId }) => void taken.push(turnId) })
  patient.send([wake('trn_claimed'), wake('trn_due')])
  await until(() => taken.length === 1)
  expect(asked.toSorted()).toEqual(['trn_claimed', 'trn_due'])
  patient.send([wake('trn_claimed'), { ...wake('trn_due'), wakeNo: 2 }])
  await until(() => taken.length === 2)
  expect(taken).toEqual(['trn_due', 'trn_due'])
  await consumer.stop()
  await patient.close()
})
