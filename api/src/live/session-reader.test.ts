import { setImmediate as tick } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { range } from '../../testing/feed-fixture.ts'
import { FEED_LIMITS } from './feed-limits.ts'
import { SessionReader } from './session-reader.ts'
import { isStoredEvent, type StoredEvent } from './session-update.ts'
import { Subscriber } from './subscriber.ts'

const PAGE_EVENTS = 4
const limits = { ...FEED_LIMITS, pageEvents: PAGE_EVENTS, waitingEvents: 6 }

const toEvent = (seq: number): StoredEvent => ({
  seq,
  type: 'user.message',
  threadId: 'thr_a',
  actor: 'user',
  payload: { seq },
  hash: `${seq}`,
  costNanos: null,
  createdAt: new Date(seq),
  bytes: 1,
})

/** A log whose pages come when the test says so, as they were when they were asked for or as they are then. */
const createSlowLog = () => {
  let head = 0
  let looks = 0
  const open: ((isFresh: boolean) => void)[] = []
  const reader = new SessionReader(
    {
      readPage: (from) => {
        const then = head
        return new Promise((resolve) => {
          open.push((isFresh) => resolve(range(from, Math.min(isFresh ? head : then, from + PAGE_EVENTS - 1)).map(toEvent)))
        })
      },
      lookAtHead: () => looks++,
      onUnread: () => {},
      onEmpty: () => {},
    },
    { tenantId: 'tnt_a', sessionId: 'ses_a' },
  )
  return {
    reader,
    head: () => head,
    openPages: () => open.length,
    looks: () => looks,
    append: (count: number) => {
      head += count
    },
    answer: (which: number, isFresh: boolean) => open.splice(which % Math.max(1, open.length), 1)[0]?.(isFresh),
  }
}

const watch = (reader: SessionReader, after: number) => {
  const subscriber = new Subscriber(reader, limits, { after, deltas: false })
  reader.join(subscriber)
  const seen: number[] = []
  let pulls = 0
  return {
    after,
    seen,
    subscriber,
    pull: () => {
      if (pulls > 0) return
      pulls++
      void subscriber.next().then(({ value }) => {
        pulls--
        if (value !== undefined && isStoredEvent(value)) seen.push(value.seq)
      })
    },
  }
}

const command = fc.oneof(
  fc.record({ does: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ does: fc.constant('announce' as const) }),
  fc.record({ does: fc.constant('answer' as const), which: fc.nat(5), isFresh: fc.boolean() }),
  fc.record({ does: fc.constant('pull' as const), who: fc.nat(2) }),
  fc.record({ does: fc.constant('subscribe' as const), after: fc.nat(4) }),
)

describe('a reader and its subscribers', () => {
  it('give each event once, in order, and to the last, whenever pages come, who reads and what is announced', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.array(command, { maxLength: 80 }), async (stored, commands) => {
        const log = createSlowLog()
        log.append(stored)
        log.reader.confirm(log.head())
        const watchers = [watch(log.reader, 0)]
        for (const step of commands) {
          if (step.does === 'append') log.append(step.count)
          else if (step.does === 'announce') log.reader.advance(log.head())
          else if (step.does === 'answer') log.answer(step.which, step.isFresh)
          else if (step.does === 'subscribe') watchers.push(watch(log.reader, Math.min(step.after, log.head())))
          else watchers[step.who % watchers.length]?.pull()
          await tick()
          for (const { subscriber } of watchers) expect(subscriber.waiting.events).toBeLessThanOrEqual(limits.waitingEvents + PAGE_EVENTS)
        }
        // One look at the heads, and everybody reads: that has to be enough.
        log.reader.confirm(log.head())
        for (let round = 0; round < 300 && watchers.some(({ after, seen }) => after + seen.length < log.head()); round++) {
          log.answer(0, false)
          for (const { pull } of watchers) pull()
          await tick()
        }
        for (const { after, seen } of watchers) expect(seen).toEqual(range(after + 1, log.head()))
      }),
      { numRuns: 300, seed: 7 },
    )
  })

  it('set aside what comes while the last page is read, and need no other page', async () => {
    const log = createSlowLog()
    log.append(3)
    log.reader.confirm(3)
    const late = watch(log.reader, 0)
    late.pull()
    await tick()
    log.append(2)
    log.reader.advance(5)
    await tick()
    log.answer(1, true)
    await tick()
    log.answer(0, false)
    for (let count = 0; count < 5; count++) {
      await tick()
      late.pull()
    }
    await tick()
    expect(late.seen).toEqual([1, 2, 3, 4, 5])
    expect(log.openPages()).toBe(0)
  })
  it('read on when a page shared with who asked earlier ends too soon', async () => {
    const log = createSlowLog()
    log.append(2)
    log.reader.confirm(2)
    const [early, late] = [watch(log.reader, 0), watch(log.reader, 0)]
    early.pull()
    await tick()
    log.append(1)
    log.reader.advance(3)
    await tick()
    log.answer(1, true)
    await tick()
    late.pull()
    await tick()
    expect(log.openPages()).toBe(1)
    for (let count = 0; count < 4; count++) {
      log.answer(0, false)
      await tick()
      late.pull()
    }
    expect(late.seen).toEqual([1, 2, 3])
  })

  it('read what is missing between what was given away and what comes', async () => {
    const log = createSlowLog()
    log.append(1)
    log.reader.confirm(1)
    const { pull, subscriber, seen } = watch(log.reader, 1)
    pull()
    await tick()
    log.append(2)
    subscriber.takeEvents([toEvent(3)])
    log.reader.confirm(3)
    for (let count = 0; count < 4; count++) {
      await tick()
      log.answer(0, true)
      await tick()
      pull()
    }
    expect(seen).toEqual([2, 3])
  })

  it('ask whether the session still exists before they read an empty page again', async () => {
    const log = createSlowLog()
    log.reader.confirm(3)
    const { pull, subscriber } = watch(log.reader, 0)
    pull()
    await tick()
    log.answer(0, true)
    await tick()
    expect({ looks: log.looks(), openPages: log.openPages() }).toEqual({ looks: 1, openPages: 0 })
    log.reader.end()
    expect(await subscriber.next()).toEqual({ done: true, value: undefined })
  })
})
