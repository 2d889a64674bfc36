import type { Logger } from '../logger.ts'
import { cutText } from '../text.ts'
import type { AnnouncementListener, AnnouncementTransport, Announcer, Channel, HeadAnnouncement, StreamedDelta } from './announcer.ts'

type ControlMessage = { control?: string; watched?: string[]; look?: string }

/** Deltas held for a reader that can't keep up with the model: what is more is lost, as deltas may be. */
const MAX_HELD_DELTAS = 2_000
const WATCHED_PER_MESSAGE = 150
/** UTF-16 code units of one piece. A control character is six bytes as JSON, and a message on the narrowest way has 7,900. */
const MAX_DELTA_UNITS = 1_200

/**
 * Merges announcements: the next message of a channel is sent when the last one has returned, with all that came meanwhile. Commits
 * that notify inside their transaction queue behind one lock; sent like this it takes nothing from the appends.
 */
export const createAnnouncer = (transport: AnnouncementTransport, logger: Logger): Announcer => {
  const heads = new Map<string, HeadAnnouncement>()
  let deltas: StreamedDelta[] = []
  const control: ControlMessage[] = []
  const busy = new Map<Channel, Promise<void>>()
  let closed = false

  const takeBatch = (channel: Channel): unknown[] => {
    if (channel === 'longhaul_heads') {
      const batch = takeFitting(
        [...heads.values()].map(({ tenantId, sessionId, head }) => [tenantId, sessionId, head]),
        transport.maxBytes,
      )
      for (const item of batch) heads.delete((item as [string, string, number])[1])
      return batch
    }
    if (channel === 'longhaul_deltas') {
      const batch = takeFitting(mergeDeltas(deltas), transport.maxBytes)
      deltas = mergeDeltas(deltas).slice(batch.length)
      return batch
    }
    return control.splice(0, takeFitting(control, transport.maxBytes).length)
  }

  const pump = async (channel: Channel): Promise<void> => {
    for (;;) {
      const batch = closed ? [] : takeBatch(channel)
      if (batch.length === 0) return
      try {
        await transport.publish(channel, JSON.stringify(batch))
      } catch (error) {
        // Dropped: readers look at the heads once a second, workers at their lease's answer.
        logger.warn({ err: error, channel }, 'an announcement was lost')
      }
    }
  }

  const kick = (channel: Channel): void => {
    if (busy.has(channel) || closed) return
    // One tick later, so that what is announced in the same tick travels together.
    const run = new Promise<void>((resolve) => setImmediate(resolve)).then(() => pump(channel)).finally(() => busy.delete(channel))
    busy.set(channel, run)
  }

  return {
    announceHead: (head) => {
      const known = heads.get(head.sessionId)
      if (known === undefined || known.head < head.head) heads.set(head.sessionId, head)
      kick('longhaul_heads')
    },
    announceDelta: (delta) => {
      if (deltas.length < MAX_HELD_DELTAS) deltas.push(delta)
      kick('longhaul_deltas')
    },
    announceControl: (sessionId) => {
      control.push({ control: sessionId })
      kick('longhaul_control')
    },
    announceWatched: (sessionIds) => {
      for (let from = 0; from < sessionIds.length; from += WATCHED_PER_MESSAGE)
        control.push({ watched: sessionIds.slice(from, from + WATCHED_PER_MESSAGE) })
      kick('longhaul_control')
    },
    announceFileLook: (engineId) => {
      control.push({ look: engineId })
      kick('longhaul_control')
    },
    listen: (listener) =>
      transport.subscribe(toChannels(listener), {
        message: (channel, message) => deliver(listener, channel, JSON.parse(message) as unknown[]),
        gap: () => listener.onGap?.(),
      }),
    flush: async () => {
      while (busy.size > 0) await Promise.all(busy.values())
    },
    close: async () => {
      closed = true
      await Promise.all(busy.values())
      await transport.close()
    },
  }
}

const toChannels = (listener: AnnouncementListener): Channel[] => [
  ...(listener.onHead === undefined ? [] : (['longhaul_heads'] as const)),
  ...(listener.onDelta === undefined ? [] : (['longhaul_deltas'] as const)),
  ...(listener.onControl === undefined && listener.onWatched === undefined ? [] : (['longhaul_control'] as const)),
]

const deliver = (listener: AnnouncementListener, channel: Channel, batch: unknown[]): void => {
  for (const item of batch) {
    if (channel === 'longhaul_heads') {
      const [tenantId, sessionId, head] = item as [string, string, number]
      listener.onHead?.({ tenantId, sessionId, head })
    } else if (channel === 'longhaul_deltas') {
      listener.onDelta?.(item as StreamedDelta)
    } else {
      const message = item as ControlMessage
      if (message.control !== undefined) listener.onControl?.(message.control)
      if (message.watched !== undefined) listener.onWatched?.(message.watched)
      if (message.look !== undefined) listener.onFileLook?.(message.look)
    }
  }
}

/** As many items from the front as one message holds, at least one. */
const takeFitting = <T>(items: readonly T[], maxBytes: number): T[] => {
  let bytes = 2
  const batch: T[] = []
  for (const item of items) {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1
    if (bytes > maxBytes && batch.length > 0) break
    batch.push(item)
  }
  return batch
}

/** Neighbouring pieces of one block become one piece, and none is longer than one message holds. */
const mergeDeltas = (deltas: readonly StreamedDelta[]): StreamedDelta[] => {
  const merged: StreamedDelta[] = []
  for (const delta of deltas.flatMap(splitDelta)) {
    const last = merged.at(-1)
    if (last !== undefined && continues(last, delta) && last.text.length + delta.text.length <= MAX_DELTA_UNITS) last.text += delta.text
    else merged.push({ ...delta })
  }
  return merged
}

const continues = (last: StreamedDelta, { turnId, attempt, block, offset }: StreamedDelta): boolean =>
  last.turnId === turnId && last.attempt === attempt && last.block === block && last.offset + last.text.length === offset

const splitDelta = (delta: StreamedDelta): StreamedDelta[] => {
  const pieces: StreamedDelta[] = []
  for (let rest = delta.text; rest !== ''; ) {
    const text = cutText(rest, MAX_DELTA_UNITS)
    pieces.push({ ...delta, text, offset: delta.offset + delta.text.length - rest.length })
    rest = rest.slice(text.length)
  }
  return pieces
}
