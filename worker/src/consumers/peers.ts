import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeHint } from '@longhaul/core/src/queue/wake-queue.ts'
import { readWorkers } from '@longhaul/core/src/turns/leases.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { createRest } from './rest.ts'

type Peer = { workerId: string; engineId: string | null }

export type Peers = { isFirst(hint: WakeHint): boolean; stop(): Promise<void> }

/**
 * Which of the living workers goes first for a wake that all of them hear of: every worker works out the same one, without a word. Where
 * they disagree for a moment, because one has come or gone, two ask for the claim or none does, and the queue's job is there for both.
 */
export const startWatchingPeers = async (
  { db, logger }: { db: Database; logger: Logger },
  { workerId, everyMs }: { workerId: () => string; everyMs: number },
): Promise<Peers> => {
  let peers: Peer[] = []
  let running: Promise<void> | null = null
  const rest = createRest()
  const look = async (): Promise<void> => {
    try {
      peers = await readWorkers(db)
      rest.worked()
    } catch (error) {
      rest.failed()
      logger.debug({ err: error }, 'the other workers could not be looked at')
    }
  }
  await look()
  const timer = setInterval(() => {
    if (rest.isOver()) running ??= look().finally(() => (running = null))
  }, everyMs)
  return {
    isFirst: (hint) => pickFirst(peers, hint)?.workerId === workerId(),
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}

/** Of those that may run it, each gets its share. Pure. */
export const pickFirst = <T extends Peer>(peers: readonly T[], { turnId, engineId }: Pick<WakeHint, 'turnId' | 'engineId'>): T | null => {
  const able = peers.filter((peer) => engineId === null || peer.engineId === engineId)
  return able[hash(turnId) % able.length] ?? null
}

/** FNV-1a, 32 bits. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
