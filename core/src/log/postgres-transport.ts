import { setTimeout as sleep } from 'node:timers/promises'
import { connectionConfig } from '@longhaul/prisma/src/client.ts'
import pg from 'pg'
import type { Logger } from '../logger.ts'
import type { AnnouncementTransport, Channel } from './announcer.ts'

const RECONNECT_MS = 250

/**
 * LISTEN and NOTIFY on two dedicated connections. NOTIFY's payload must stay under 8,000 bytes; with `synchronous_commit` off it
 * waits for no disk. A lost connection is made again by itself, and says that there was a gap.
 */
export const createPostgresTransport = (url: string, logger: Logger): AnnouncementTransport => {
  let publisher: Promise<pg.Client> | null = null
  let closed = false
  const listeners = new Set<pg.Client>()

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client(connectionConfig(url, 'longhaul_app'))
    client.on('error', (error) => {
      logger.debug({ err: error }, 'an announcing connection was lost')
    })
    await client.connect()
    return client
  }

  const getPublisher = (): Promise<pg.Client> => {
    publisher ??= connect()
      .then(async (client) => {
        client.on('end', () => (publisher = null))
        await client.query('set synchronous_commit = off')
        return client
      })
      .catch((error) => {
        publisher = null
        throw error
      })
    return publisher
  }

  return {
    maxBytes: 7_900,
    publish: async (channel, message) => {
      const client = await getPublisher()
      await client.query({ name: 'announce', text: 'select pg_notify($1, $2)', values: [channel, message] })
    },
    subscribe: async (channels, on) => {
      const open = async (): Promise<void> => {
        const client = await connect()
        client.on('notification', ({ channel, payload }) => {
          if (payload !== undefined) on.message(channel as Channel, payload)
        })
        try {
          for (const channel of channels) await client.query(`listen ${channel}`)
        } catch (error) {
          client.end().catch(() => {}) // it is lost already
          throw error
        }
        listeners.add(client)
        // Only now: one that never listened is tried again by whoever opened it, and two who try would both succeed.
        client.on('end', () => {
          listeners.delete(client)
          void reopen()
        })
        if (closed) await client.end()
      }
      const reopen = async (): Promise<void> => {
        while (!closed) {
          await sleep(RECONNECT_MS)
          try {
            await open()
            on.gap()
            return
          } catch (error) {
            logger.debug({ err: error }, 'the announcing connection is still out of reach')
          }
        }
      }
      await open()
    },
    close: async () => {
      closed = true
      const clients = [...listeners, ...(publisher === null ? [] : [await publisher.catch(() => null)])]
      await Promise.allSettled(clients.map((client) => client?.end()))
    },
  }
}
