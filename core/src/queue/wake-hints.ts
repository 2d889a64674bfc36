import type { AnnouncementTransport } from '../log/announcer.ts'
import type { Wake } from '../log/append-events.ts'
import type { Logger } from '../logger.ts'
import type { WakeHint } from './wake-queue.ts'

export type WakeHints = {
  say(wakes: readonly Wake[]): void
  /** Tells of every wake that may run on this engine, until the function it resolves with is called. */
  hear(engineId: string | null, onHint: (hint: WakeHint) => void): Promise<() => void>
  close(): Promise<void>
}

/** Above it the newest are dropped: their jobs are in the queue. */
const MAX_HELD = 1_000

/**
 * Says that a wake is on its way, for a worker that has nothing better to do: a job on Postgres takes some eight milliseconds from its
 * sender to a worker, a notification one. Every hint may be lost, and every job is delivered all the same.
 */
export const createWakeHints = (transport: AnnouncementTransport, logger: Logger): WakeHints => {
  let held: Wake[] = []
  let saying: Promise<void> | null = null
  let closed = false

  const sayAll = async (): Promise<void> => {
    while (held.length > 0 && !closed) {
      const message = takeMessage(held, transport.maxBytes)
      held = held.slice(message.length)
      try {
        await transport.publish('longhaul_wakes', JSON.stringify(message))
      } catch (error) {
        logger.debug({ err: error }, 'a hint of a wake was lost')
      }
    }
  }

  return {
    say: (wakes) => {
      held.push(...wakes.slice(0, Math.max(0, MAX_HELD - held.length)))
      if (held.length > 0 && !closed) saying ??= sayAll().finally(() => (saying = null))
    },
    hear: async (engineId, onHint) => {
      let hears = true
      await transport.subscribe(['longhaul_wakes'], {
        message: (_, message) => {
          if (!hears) return
          for (const [tenantId, turnId, on] of JSON.parse(message) as Row[]) {
            if (on === null || on === engineId) onHint({ tenantId, turnId, engineId: on })
          }
        },
        gap: () => {},
      })
      return () => {
        hears = false
      }
    },
    close: async () => {
      closed = true
      await saying
      await transport.close()
    },
  }
}

type Row = [tenantId: string, turnId: string, engineId: string | null]

/** As many from the front as one message holds, at least one. */
const takeMessage = (wakes: readonly Wake[], maxBytes: number): Row[] => {
  const message: Row[] = []
  let bytes = 2
  for (const { tenantId, turnId, engineId } of wakes) {
    const row: Row = [tenantId, turnId, engineId]
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1
    if (bytes > maxBytes && message.length > 0) break
    message.push(row)
  }
  return message
}
