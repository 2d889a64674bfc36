import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import type { AnnouncementListener, AnnouncementTransport, Announcer, HeadAnnouncement, StreamedDelta } from './announcer.ts'
import { createAnnouncer } from './create-announcer.ts'

export type AnnouncerSubject = {
  createTransport(): AnnouncementTransport
  /** Cuts every announcing connection there is, as a restart of the server would. */
  cutConnections(): Promise<void>
  /** What travels, as somebody who listens beside sees it: messages by channel. */
  watchWire(): Promise<{ messages: { channel: string; bytes: number }[]; stop(): Promise<void> }>
}

const quiet = pino({ level: 'silent' })

/** Ends when `done` holds; a test's own time-out says when it never does. */
const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await sleep(2)
}

/** What every way of announcing must keep. A lost announcement may cost a second; a false one, an unordered one, or silence may not be. */
export const announcerContract = (name: string, getSubject: () => AnnouncerSubject): void => {
  describe(`announcing over ${name}`, () => {
    const open: Announcer[] = []
    const create = (): Announcer => {
      const announcer = createAnnouncer(getSubject().createTransport(), quiet)
      open.push(announcer)
      return announcer
    }
    const listen = async (listener: AnnouncementListener): Promise<Announcer> => {
      const announcer = create()
      await announcer.listen(listener)
      return announcer
    }
    afterEach(async () => {
      await Promise.all(open.splice(0).map((announcer) => announcer.close()))
    })
    const head = (sessionId: string, number: number): HeadAnnouncement => ({ tenantId: 'tnt_1', sessionId, head: number })
    const delta = (text: string, offset: number, more: Partial<StreamedDelta> = {}): StreamedDelta => ({
      sessionId: 'ses_1',
      threadId: 'thr_1',
      turnId: 'trn_1',
      attempt: 0,
      block: 0,
      kind: 'TEXT',
      text,
      offset,
      ...more,
    })

    it('tells every listener, in other processes too, how far each log has grown', async () => {
      const heard: HeadAnnouncement[][] = [[], []]
      for (const heads of heard) await listen({ onHead: (told) => heads.push(told) })
      const speaker = create()
      speaker.announceHead(head('ses_1', 1))
      speaker.announceHead(head('ses_2', 7))
      await until(() => heard.every((heads) => heads.length >= 2))
      for (const heads of heard) expect(heads.toSorted((a, b) => a.head - b.head)).toEqual([head('ses_1', 1), head('ses_2', 7)])
    })

    it('merges what is announced faster than it travels to the newest head, which never goes back', async () => {
      const heads: number[] = []
      await listen({ onHead: (told) => heads.push(told.head) })
      const speaker = create()
      for (let number = 1; number <= 2_000; number++) {
        speaker.announceHead(head('ses_1', number))
        speaker.announceHead(head('ses_1', number - 1)) // a slower commit's, a moment late
        if (number % 100 === 0) await sleep(0)
      }
      await until(() => heads.at(-1) === 2_000)
      await speaker.flush()
      expect(heads).toEqual(heads.toSorted((a, b) => a - b))
      expect(heads.length).toBeLessThan(1_000)
    })

    it('carries deltas in order and whole, neighbours merged, whatever they hold', async () => {
      const told: StreamedDelta[] = []
      await listen({ onDelta: (piece) => told.push(piece) })
      const speaker = create()
      const pieces = Array.from({ length: 300 }, (_, index) => ['ä', '"', '\\', '\n', '😀'][index % 5]!.repeat((index % 17) + 1))
      const text = pieces.join('')
      let offset = 0
      for (const piece of pieces) {
        speaker.announceDelta(delta(piece, offset))
        offset += piece.length
      }
      await until(() => told.reduce((length, piece) => length + piece.text.length, 0) >= text.length)
      expect(told.map((piece) => piece.text).join('')).toBe(text)
      expect(told.length).toBeLessThan(pieces.length)
      for (const [index, piece] of told.entries())
        expect(piece.offset).toBe(told.slice(0, index).reduce((length, { text: before }) => length + before.length, 0))
    })

    it('keeps apart what belongs to different blocks, attempts, turns and sessions', async () => {
      const told: StreamedDelta[] = []
      await listen({ onDelta: (piece) => told.push(piece) })
      const speaker = create()
      const sent = [
        delta('a', 0),
        delta('b', 0, { block: 1 }),
        delta('c', 1, { attempt: 1 }),
        delta('d', 2, { turnId: 'trn_2' }),
        delta('e', 3, { kind: 'THINKING', block: 2 }),
      ]
      for (const piece of sent) speaker.announceDelta(piece)
      await until(() => told.length >= sent.length)
      expect(told).toEqual(sent)
    })

    it('carries wishes and who is watched', async () => {
      const wishes: string[] = []
      const watched: string[] = []
      await listen({ onControl: (sessionId) => wishes.push(sessionId), onWatched: (ids) => watched.push(...ids) })
      const speaker = create()
      const many = Array.from({ length: 1_000 }, (_, index) => `ses_${String(index).padStart(26, '0')}`)
      speaker.announceControl('ses_1')
      speaker.announceWatched(many)
      await until(() => wishes.length === 1 && watched.length >= many.length)
      expect([wishes, watched]).toEqual([['ses_1'], many])
    })

    it('sends no message that is too large for the way it goes, however much there is to say', async () => {
      const transport = getSubject().createTransport()
      const { maxBytes } = transport
      await transport.close()
      const wire = await getSubject().watchWire()
      const told: number[] = []
      await listen({ onHead: (heard) => told.push(heard.head), onDelta: () => told.push(0), onWatched: () => {} })
      const speaker = create()
      for (let index = 0; index < 3_000; index++) speaker.announceHead(head(`ses_${String(index).padStart(26, '0')}`, index + 1))
      for (let index = 0; index < 40; index++) speaker.announceDelta(delta('😀"\\\u0001'.repeat(90), index * 450, { block: index }))
      speaker.announceDelta(delta('\u0001'.repeat(30_000), 0, { block: 99 })) // each of them is six bytes as JSON
      await until(() => told.length >= 3_041)
      await until(() => wire.messages.length > 1)
      await wire.stop()
      expect(Math.max(...wire.messages.map(({ bytes }) => bytes))).toBeLessThanOrEqual(maxBytes)
    })

    it('comes back by itself after its connections were cut, and says that there was a gap', async () => {
      const heads: number[] = []
      let gaps = 0
      await listen({ onHead: (told) => heads.push(told.head), onGap: () => gaps++ })
      const speaker = create()
      for (let cut = 1; cut <= 3; cut++) {
        speaker.announceHead(head('ses_1', cut * 10))
        await until(() => heads.at(-1) === cut * 10)
        await getSubject().cutConnections()
        await until(() => gaps >= cut)
        // The next announcement may be lost with the connection it was sent on; one of those after it is not.
        for (let number = cut * 10 + 1; heads.at(-1)! <= cut * 10; number++) {
          speaker.announceHead(head('ses_1', number))
          await speaker.flush()
          await sleep(5)
        }
      }
      expect(gaps).toBe(3)
      expect(heads).toEqual([...new Set(heads)]) // heard once: no connection is left that listens a second time
    })

    it('says nothing more once it is closed', async () => {
      const heads: number[] = []
      const listener = await listen({ onHead: (told) => heads.push(told.head) })
      const [speaker, other] = [create(), [] as number[]]
      await listen({ onHead: (told) => other.push(told.head) })
      await listener.close()
      speaker.announceHead(head('ses_1', 1))
      await until(() => other.length === 1)
      await speaker.close()
      speaker.announceHead(head('ses_1', 2))
      await speaker.flush()
      expect([heads, other]).toEqual([[], [1]])
    })
  })
}
