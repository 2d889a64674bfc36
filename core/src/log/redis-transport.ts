import { Redis } from 'ioredis'
import type { Logger } from '../logger.ts'
import type { AnnouncementTransport, Channel } from './announcer.ts'

/** Redis PUBLISH, on channels that begin with `prefix`. ioredis connects again and subscribes again by itself; each time it does, there was a gap. */
export const createRedisTransport = (url: string, logger: Logger, prefix = 'longhaul'): AnnouncementTransport => {
  const full = (channel: Channel): string => `${prefix}:${channel}`
  const publisher = new Redis(url, { maxRetriesPerRequest: 1, enableOfflineQueue: false, lazyConnect: true })
  const subscribers: Redis[] = []
  publisher.on('error', (error) => logger.debug({ err: error }, 'the announcing connection reports an error'))
  let connecting: Promise<void> | null = null

  return {
    maxBytes: 64_000,
    publish: async (channel, message) => {
      connecting ??= publisher.connect()
      await connecting.catch(() => {})
      await publisher.publish(full(channel), message)
    },
    subscribe: async (channels, on) => {
      const subscriber = new Redis(url, { maxRetriesPerRequest: null })
      subscribers.push(subscriber)
      let ready = false
      subscriber.on('error', (error) => logger.debug({ err: error }, 'the announcing connection reports an error'))
      subscriber.on('message', (channel, message) => on.message(channel.slice(prefix.length + 1) as Channel, message))
      subscriber.on('ready', () => {
        if (ready) on.gap()
        ready = true
      })
      await subscriber.subscribe(...channels.map(full))
    },
    close: async () => {
      publisher.disconnect()
      for (const subscriber of subscribers) subscriber.disconnect()
    },
  }
}
