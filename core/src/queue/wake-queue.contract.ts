import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Wake } from '../log/append-events.ts'
import { createWakeQueue, type QueueBackend } from './bullmq-wake-queue.ts'
import type { WakeJob, WakeQueue } from './wake-queue.ts'

export type QueueSubject = {
  backend: QueueBackend
  /** Every job gone, as before a test. */
  empty(): Promise<void>
  /** Nobody reaches it from now on. What it held may be lost. */
  takeDown(): Promise<void>
  bringBack(): Promise<void>
}

const quiet = pino({ level: 'silent' })

/** Ends when `done` holds; a test's own time-out says when it never does. */
const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await sleep(2)
}

/** What a queue must do for wakes. It may lose them: the sweep sends them again. It may not hold one back, or hold anybody up. */
export const wakeQueueContract = (name: string, getSubject: () => QueueSubject): void => {
  describe(`wakes over ${name}`, () => {
    const queues: WakeQueue[] = []
    const create = (): WakeQueue => {
      const queue = createWakeQueue(getSubject().backend, quiet)
      queues.push(queue)
      return queue
    }
    let made = 0
    const wake = (more: Partial<Wake> = {}): Wake => ({
      tenantId: 'tnt_1',
      turnId: `trn_${++made}`,
      wakeNo: 1,
      engineId: null,
      rank: 1,
      ...more,
    })
    const collect = async (options: { engineId?: string | null; concurrency?: number; onWake?: (job: WakeJob) => Promise<void> } = {}) => {
      const taken: WakeJob[] = []
      const consumer = await create().consume({
        engineId: options.engineId ?? null,
        concurrency: options.concurrency ?? 8,
        onWake: async (job) => {
          taken.push(job)
          await options.onWake?.(job)
        },
      })
      return { taken, consumer }
    }
    beforeEach(() => getSubject().empty())
    afterEach(async () => {
      await Promise.all(queues.splice(0).map((queue) => queue.close()))
    })

    it('brings each wake to one consumer, and nothing but its ids', async () => {
      const consumers = [await collect(), await collect()]
      const wakes = Array.from({ length: 60 }, () => wake())
      create().send(wakes)
      await until(() => consumers.flatMap(({ taken }) => taken).length >= wakes.length)
      const taken = consumers.flatMap((consumer) => consumer.taken)
      expect(taken.toSorted((a, b) => (a.turnId < b.turnId ? -1 : 1))).toEqual(
        wakes.map(({ tenantId, turnId }) => ({ tenantId, turnId })).toSorted((a, b) => (a.turnId < b.turnId ? -1 : 1)),
      )
    })

    it("brings a session's wakes to the workers of the engine that has its sandbox, and to no others", async () => {
      const [here, there, nowhere] = [await collect({ engineId: 'AB:CD' }), await collect({ engineId: 'EF:12' }), await collect()]
      const [mine, theirs, anybodys] = [wake({ engineId: 'AB:CD' }), wake({ engineId: 'EF:12' }), wake()]
      create().send([mine, theirs, anybodys])
      await until(() => [here, there, nowhere].flatMap(({ taken }) => taken).length === 3)
      expect(here.taken.map(({ turnId }) => turnId)).toContain(mine.turnId)
      expect(there.taken.map(({ turnId }) => turnId)).toContain(theirs.turnId)
      expect(nowhere.taken.every(({ turnId }) => turnId === anybodys.turnId)).toBe(true)
    })

    it('brings a number again once it was done with: what is finished swallows nothing', async () => {
      const { taken } = await collect()
      const [queue, same] = [create(), wake()]
      for (let time = 1; time <= 3; time++) {
        // Until the last one is gone a repeated number may be taken for it: that is what the sweep's new numbers are for.
        while (taken.length < time) {
          queue.send([same])
          await queue.flush()
          await sleep(20)
        }
      }
      expect(taken.every(({ turnId }) => turnId === same.turnId)).toBe(true)
    })

    it('takes a number that waits already for the same wake', async () => {
      const [queue, same, last] = [create(), wake({ rank: 1 }), wake({ rank: 2 })]
      for (let time = 0; time < 3; time++) {
        queue.send([same])
        await queue.flush()
      }
      queue.send([last])
      await queue.flush()
      const { taken } = await collect({ concurrency: 1 })
      await until(() => taken.some(({ turnId }) => turnId === last.turnId))
      expect(taken.map(({ turnId }) => turnId)).toEqual([same.turnId, last.turnId])
    })

    it('does no more at once than it was told, over all that it listens to', async () => {
      let running = 0
      let most = 0
      const { taken } = await collect({
        engineId: 'AB:CD',
        concurrency: 5,
        onWake: async () => {
          most = Math.max(most, ++running)
          await sleep(3)
          running--
        },
      })
      create().send(Array.from({ length: 120 }, (_, index) => wake({ engineId: index % 2 === 0 ? 'AB:CD' : null })))
      await until(() => taken.length === 120)
      expect(most).toBe(5)
    })

    it('lets tenants with waiting work take turns: a long backlog holds nobody up', async () => {
      const queue = create()
      queue.send(Array.from({ length: 80 }, (_, index) => wake({ tenantId: 'tnt_busy', rank: index + 1 })))
      queue.send(Array.from({ length: 4 }, (_, index) => wake({ tenantId: 'tnt_small', rank: index + 1 })))
      await queue.flush()
      const { taken } = await collect({ concurrency: 1 })
      await until(() => taken.length === 84)
      const last = taken.findLastIndex(({ tenantId }) => tenantId === 'tnt_small')
      expect(last).toBeLessThan(10)
    })

    it('goes on after a wake whose turn went wrong, and keeps nothing of it', async () => {
      const bad = wake()
      const { taken } = await collect({
        concurrency: 1,
        onWake: async ({ turnId }) => {
          if (turnId === bad.turnId) throw new Error('wrong')
        },
      })
      const good = wake()
      create().send([bad, good])
      await until(() => taken.length >= 2)
      await sleep(200) // a wake that was wrongly tried again would come now
      expect(taken.map(({ turnId }) => turnId)).toEqual([bad.turnId, good.turnId])
    })

    it('stops by taking nothing more and ending what it has, and leaves the rest to others', async () => {
      let release = (): void => {}
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      const first = await collect({ concurrency: 2, onWake: () => gate })
      const wakes = Array.from({ length: 10 }, () => wake())
      create().send(wakes)
      await until(() => first.taken.length === 2)
      let stopped = false
      const stopping = first.consumer.stop().then(() => {
        stopped = true
      })
      const second = await collect()
      await until(() => second.taken.length === 8)
      expect(stopped).toBe(false)
      release()
      await stopping
      expect(first.taken).toHaveLength(2)
      expect(new Set([...first.taken, ...second.taken].map(({ turnId }) => turnId)).size).toBe(10)
    })

    it('takes wakes while it is down and nobody notices, and brings the newest of each turn when it is back', async () => {
      const { taken } = await collect()
      const queue = create()
      const before = wake()
      queue.send([before])
      await until(() => taken.length === 1)
      await getSubject().takeDown()
      const [held, repeated] = [wake(), wake()]
      queue.send([held, repeated])
      for (let wakeNo = 2; wakeNo <= 5; wakeNo++) queue.send([{ ...repeated, wakeNo }])
      await sleep(300)
      expect(taken).toHaveLength(1)
      await getSubject().bringBack()
      const after = wake()
      // What was on its way when the line broke may be lost; what is sent again from now on is not.
      for (let wakeNo = 6; !haveAll(taken, [held, repeated, after]); wakeNo++) {
        queue.send([held, repeated, after].map((each) => ({ ...each, wakeNo })))
        await sleep(250)
      }
      expect(taken.length).toBeLessThan(30)
    }, 60_000)

    it('is closed in time though nobody is there', async () => {
      const queue = create()
      const { consumer } = await collect()
      queue.send([wake()])
      await queue.flush()
      await getSubject().takeDown()
      queue.send([wake()])
      const began = performance.now()
      await consumer.stop()
      await queue.close()
      expect(performance.now() - began).toBeLessThan(10_000)
      await getSubject().bringBack()
    }, 60_000)
  })
}

const haveAll = (taken: readonly WakeJob[], wakes: readonly Wake[]): boolean =>
  wakes.every(({ turnId }) => taken.some((job) => job.turnId === turnId))
