import { setTimeout as sleep } from 'node:timers/promises'
import { appendEvents } from '@longhaul/core/src/log/append-events.ts'
import { openAnnouncer } from '@longhaul/core/src/log/open-announcer.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { createApiKey } from '@longhaul/core/src/tenants/create-api-key.ts'
import { createTestDatabase } from '@longhaul/core/testing/database.ts'
import type { Page } from 'playwright-core'
import type { Bench, Figure } from '../figure.ts'
import { median, percentile } from '../percentile.ts'
import type { ClaimedSession } from '../platform/claimed-sessions.ts'
import { startApiProcess } from '../platform/start-api-process.ts'
import { launchBrowser, openSession, pageMegabytes, scriptKilobytes, waitForWords } from './open-page.ts'
import { seedLongSession, toAnswer } from './seed-long-session.ts'

const EVENTS = 50_000
/** A session as most are. */
const FEW_EVENTS = 60
/** Each in a tab of its own, with nothing cached; one alone says more of the moment than of the page. */
const OPENINGS = 5
const SHOWN = 60
const SHOWN_EVERY_MS = 150
/** A hand that turns the wheel fast: twelve notches a second. */
const WHEEL_PX = 600
const WHEEL_EVERY_MS = 80

/** Answers when it was committed, as milliseconds since 1970. */
type Append = (session: ClaimedSession, text: string) => Promise<number>

/** The console in a browser: what is loaded, when it can be used, how soon an event is on the screen, and a log of 50,000 events. */
export const benchConsole: Bench = async ({ smoke }) => {
  const test = await createTestDatabase()
  const api = await startApiProcess(test)
  const browser = await launchBrowser()
  // What a worker does after each commit.
  const announcer = openAnnouncer({ databaseUrl: test.url, redisUrl: null }, createLogger({ name: 'bench', level: 'error' }))
  const append: Append = async (session, text) => {
    const result = await appendEvents(test.db, { ...session, events: [toAnswer(`trn_${crypto.randomUUID()}`, text)] })
    if (result.refused !== undefined) throw new Error(`an append was refused: ${result.refused}`)
    const at = performance.timeOrigin + performance.now()
    announcer.announceHead({ ...session, head: result.head })
    return at
  }
  try {
    const few = await seedLongSession(test, FEW_EVENTS)
    const many = await seedLongSession(test, smoke ? 2_000 : EVENTS)
    const open = async (session: ClaimedSession) => {
      const { secret } = await createApiKey(
        test.db,
        { tenantId: session.tenantId, name: 'bench', role: 'MEMBER', expiresAt: null },
        async () => {},
      )
      const lastWords = `Last words ${crypto.randomUUID()}`
      await append(session, lastWords)
      return openSession(browser, { url: api.url, key: secret, sessionId: session.sessionId, lastWords })
    }
    // The first page of all warms the api up, not the browser's cache, which each tab has for itself.
    await (await open(few)).page.context().close()
    const openOften = async (session: ClaimedSession) => {
      const opened: number[] = []
      for (let made = 1; made < (smoke ? 1 : OPENINGS); made++) {
        const { page, openedMs } = await open(session)
        opened.push(openedMs)
        await page.context().close()
      }
      const last = await open(session)
      return { page: last.page, openedMs: median([...opened, last.openedMs]) }
    }
    const short = await openOften(few)
    const shown = await showEvents((words) => append(few, words), short.page, smoke ? 3 : SHOWN)
    // By then what is loaded behind the first drawing is there too.
    const scriptKB = await scriptKilobytes(short.page)
    await short.page.context().close()

    const long = await openOften(many)
    const frames = await scroll(long.page, smoke ? 5 : 120)
    const figures: Figure[] = [
      { what: 'scripts of a session page, gzip', measured: scriptKB, unit: 'KB', target: { of: 'measured', atMost: 250 } },
      {
        what: 'a session page, cold, to its last event: p50',
        measured: short.openedMs,
        unit: 'ms',
        target: { of: 'measured', atMost: 1_500 },
      },
      { what: 'an event committed → on screen: p95', measured: percentile(shown, 95), unit: 'ms', target: { of: 'measured', atMost: 150 } },
      { what: 'an event committed → on screen: p50', measured: median(shown), unit: 'ms' },
      {
        what: '50,000 events: opened at the end, cold: p50',
        measured: long.openedMs,
        unit: 'ms',
        target: { of: 'measured', atMost: 1_000 },
      },
      {
        what: '50,000 events, scrolled: a frame at the p95',
        measured: percentile(frames, 95),
        unit: 'ms',
        target: { of: 'measured', atMost: 50 },
      },
      {
        what: '50,000 events, scrolled: memory of the page',
        measured: await pageMegabytes(browser),
        unit: 'MB',
        target: { of: 'measured', atMost: 250 },
      },
    ]
    return figures
  } finally {
    await browser.close()
    await announcer.close()
    await api.stop()
    await test.close()
  }
}

/** From the commit of an event until it is painted, on a page that follows the end. */
const showEvents = async (commit: (words: string) => Promise<number>, page: Page, count: number): Promise<number[]> => {
  const committed: { words: string; at: number }[] = []
  for (let made = 0; made < count; made++) {
    const words = `Shown ${made}.`
    committed.push({ words, at: await commit(words) })
    await sleep(SHOWN_EVERY_MS)
  }
  await waitForWords(page, `Shown ${count - 1}.`)
  const seen = await page.evaluate<[number, string][]>('window.seenRows')
  return committed.map(({ words, at }) => (seen.find(([, text]) => text.includes(words))?.[0] ?? Number.POSITIVE_INFINITY) - at)
}

/** Milliseconds of each frame while a wheel turns: up from the end, then on from the middle of the log, as one drags the bar there. */
const scroll = async (page: Page, turns: number): Promise<number[]> => {
  await page.evaluate(`(() => {
    window.frames50 = []
    let last = performance.now()
    const next = (now) => { window.frames50.push(now - last); last = now; requestAnimationFrame(next) }
    requestAnimationFrame(next)
  })()`)
  await page.mouse.move(500, 500)
  for (let turn = 0; turn < turns; turn++) {
    if (turn === Math.floor(turns / 2))
      await page.evaluate(`(() => { const log = document.querySelector('[role=log]'); log.scrollTop = log.scrollHeight / 2 })()`)
    await page.mouse.wheel(0, -WHEEL_PX)
    await sleep(WHEEL_EVERY_MS)
  }
  return page.evaluate<number[]>('window.frames50.slice(1)')
}
