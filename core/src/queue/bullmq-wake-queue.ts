import { setTimeout as sleep } from 'node:timers/promises'
import { Queue, Worker } from 'bullmq'
import type { Wake } from '../log/append-events.ts'
import { createPostgresTransport } from '../log/postgres-transport.ts'
import type { Logger } from '../logger.ts'
import { createGate } from './create-gate.ts'
import { keepWorker } from './keep-worker.ts'
import { createPatientBackend } from './patient-backend.ts'
import { createWakeHints } from './wake-hints.ts'
import type { WakeConsumer, WakeJob, WakeQueue } from './wake-queue.ts'

/** Where jobs lie: on Redis, under a prefix that no other installation uses, or in a schema of their own on the same Postgres. */
export type QueueBackend =
  | { kind: 'redis'; url: string; prefix?: string }
  /** `findDue` says which turns nobody has claimed yet: a job costs Postgres ten times what asking first does. */
  | { kind: 'postgres'; url: string; findDue?: (turnIds: readonly string[]) => Promise<ReadonlySet<string>> }

type Pending = { wake: Wake; sendAt: number }

/** Wakes held while the queue can't be reached; above it the newest are dropped, and the sweep sends them again. */
const MAX_PENDING = 10_000
const BATCH = 200
/** Where wakes are hinted at, whoever takes the hint has begun before the job costs anybody anything. */
const HEAD_START_MS = 25
/** Between attempts to reach a queue that is down. */
const RETRY_MS = 500
/** A connection that Redis has lost is tried again at least this often. */
const RECONNECT_MAX_MS = 1_000
/** A queue that can't be reached can't be told goodbye: whoever stops waits no longer than this for it, and the sweep wakes again. */
const GOODBYE_MS = 2_000
const SCHEMA = 'longhaul_queue'
const PREFIX = 'longhaul'

/**
 * BullMQ as a plain channel: recovery, ordering and duplicates are ours. `attempts: 1` and `maxStalledCount: 0` let a dead worker's job
 * go; finished jobs are removed at once, because a kept one swallows a new one of the same id.
 */
export const createWakeQueue = (backend: QueueBackend, logger: Logger): WakeQueue => {
  const pending = new Map<string, Pending>()
  const queues = new Map<string, Queue<WakeJob>>()
  const consumers: WakeConsumer[] = []
  // Redis delivers as fast as it would hint.
  const hints = backend.kind === 'postgres' ? createWakeHints(createPostgresTransport(backend.url, logger), logger) : null
  let sending: Promise<void> | null = null
  let closed = false
  /** Null ends a connection: one that was closed while Redis is down would try for ever, and keep the process alive. */
  const retryStrategy = (times: number): number | null => (closed ? null : Math.min(times * 50, RECONNECT_MAX_MS))

  const queueFor = (engineId: string | null): Queue<WakeJob> => {
    const name = queueName(engineId)
    const known = queues.get(name)
    if (known !== undefined) return known
    const queue = new Queue<WakeJob>(
      name,
      { ...toOptions(backend, retryStrategy), defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true } } as never,
      ...toFactory(backend),
    ) as Queue<WakeJob>
    queue.on('error', (error) => logger.warn({ err: error }, 'the queue reports an error'))
    // BullMQ keeps what it met when it first connected: one that found nobody there would never send, so the next wake opens another.
    queue.waitUntilReady().catch(() => {
      if (queues.get(name) === queue) queues.delete(name)
      queue.close().catch(() => {})
    })
    queues.set(name, queue)
    return queue
  }

  const sendBatch = async (batch: readonly Wake[]): Promise<void> => {
    const due = backend.kind === 'postgres' ? await backend.findDue?.(batch.map(({ turnId }) => turnId)) : undefined
    const wanted = batch.filter(({ turnId }) => due === undefined || due.has(turnId))
    const byEngine = Map.groupBy(wanted, (wake) => wake.engineId)
    for (const [engineId, wakes] of byEngine) {
      await queueFor(engineId).addBulk(
        wakes.map((wake) => ({
          name: 'wake',
          data: { tenantId: wake.tenantId, turnId: wake.turnId },
          // A turn's rank in its tenant's backlog: tenants with waiting work take turns.
          opts: { jobId: `${wake.turnId}-${wake.wakeNo}`, priority: Math.max(1, wake.rank) },
        })),
      )
    }
    for (const wake of batch) if (pending.get(wake.turnId)?.wake === wake) pending.delete(wake.turnId)
  }

  const drain = async (): Promise<void> => {
    while (pending.size > 0 && !closed) {
      const now = performance.now()
      const ripe = [...pending.values()].filter(({ sendAt }) => sendAt <= now)
      if (ripe.length === 0) {
        await sleep(Math.min(...[...pending.values()].map(({ sendAt }) => sendAt)) - now)
        continue
      }
      try {
        await sendBatch(ripe.slice(0, BATCH).map(({ wake }) => wake))
      } catch (error) {
        logger.warn({ err: error }, 'wakes could not be sent: the queue is out of reach, they are kept')
        await sleep(RETRY_MS, undefined, { ref: false })
      }
    }
  }

  return {
    send: (wakes) => {
      hints?.say(wakes)
      const sendAt = performance.now() + (hints === null ? 0 : HEAD_START_MS)
      for (const wake of wakes) if (pending.size < MAX_PENDING || pending.has(wake.turnId)) pending.set(wake.turnId, { wake, sendAt })
      if (pending.size > 0 && !closed) sending ??= drain().finally(() => (sending = null))
    },
    flush: async () => {
      if (sending !== null) await inTime(sending)
    },
    consume: async ({ engineId, concurrency, onWake, takesHint }) => {
      const gate = createGate(concurrency)
      const names = engineId === null ? [queueName(null)] : [queueName(null), queueName(engineId)]
      const open = (name: string): Worker<WakeJob> => {
        const worker = new Worker<WakeJob>(
          name,
          async (job) => {
            await gate.run(() => onWake(job.data))
          },
          {
            ...toOptions(backend, retryStrategy),
            concurrency,
            maxStalledCount: 0,
            lockDuration: 30_000,
            drainDelay: 5,
            runRetryDelay: RETRY_MS,
          } as never,
          ...toFactory(backend),
        )
        worker.on('error', (error) => logger.warn({ err: error }, 'the queue reports an error'))
        worker.on('failed', (_job, error) => logger.debug({ err: error }, 'a wake ended with an error'))
        return worker
      }
      const workers = names.map((name) => keepWorker(() => open(name), RETRY_MS))
      await Promise.race([Promise.all(workers.map(({ ready }) => ready)), new Promise((resolve) => setTimeout(resolve, 5_000).unref())])
      const stopHearing =
        takesHint === undefined
          ? undefined
          : await hints?.hear(engineId, (hint) => {
              if (!gate.isFree() || !takesHint(hint)) return
              const { tenantId, turnId } = hint
              gate
                .run(() => onWake({ tenantId, turnId }))
                .catch((error: unknown) => logger.debug({ err: error }, 'a wake ended with an error'))
            })
      const consumer = {
        stop: async () => {
          stopHearing?.()
          const closing = Promise.allSettled(workers.map((worker) => worker.close()))
          await gate.idle()
          await inTime(closing)
          await gate.idle() // what was taken in the same moment
          for (const worker of workers) worker.disconnect().catch(() => {}) // one that was closed has no connection any more
        },
      }
      consumers.push(consumer)
      return consumer
    },
    close: async () => {
      closed = true
      await Promise.allSettled(consumers.map((consumer) => consumer.stop()))
      await inTime(Promise.allSettled([...queues.values()].map((queue) => queue.close())))
      for (const queue of queues.values()) queue.disconnect().catch(() => {})
      await hints?.close()
    },
  }
}

const inTime = (work: Promise<unknown>): Promise<unknown> => Promise.race([work, sleep(GOODBYE_MS, undefined, { ref: false })])

/** An engine's id may hold `:`, which a queue's name may not. */
const queueName = (engineId: string | null): string => (engineId === null ? 'wakes' : `wakes-${engineId.replaceAll(/[^A-Za-z0-9]/g, '')}`)

const toOptions = (backend: QueueBackend, retryStrategy: (times: number) => number | null): Record<string, unknown> => {
  if (backend.kind === 'redis')
    return {
      connection: { url: backend.url, maxRetriesPerRequest: null, enableOfflineQueue: true, retryStrategy },
      prefix: backend.prefix ?? PREFIX,
    }
  return {
    connection: {
      connectionString: backend.url,
      // A wake is a hint (invariant 4): one that a crash of the database loses is sent again by the sweep, so none waits for the disk.
      options: '-c role=longhaul_queue -c synchronous_commit=off',
      schema: SCHEMA,
      migrate: true,
      max: 8,
      keepAlive: true,
    },
    prefix: PREFIX,
  }
}

const toFactory = (backend: QueueBackend): [] | [never] => (backend.kind === 'postgres' ? [createPatientBackend as never] : [])
