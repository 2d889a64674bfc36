import { readFile } from 'node:fs/promises'
import { type Browser, chromium, type Page } from 'playwright-core'

/** What is not on the screen by then never will be. */
const PATIENCE_MS = 60_000

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update'],
  })

/** A session's page in a tab of its own, signed in, with nothing cached; `openedMs` is from the start of the navigation to its last event on the screen. */
export const openSession = async (
  browser: Browser,
  { url, key, sessionId, lastWords }: { url: string; key: string; sessionId: string; lastWords: string },
): Promise<{ page: Page; openedMs: number }> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  await page.addInitScript(`sessionStorage.setItem('longhaul.key', ${JSON.stringify(key)})\n{${WATCH_ROWS}}`)
  await page.goto(`${url}/sessions/${sessionId}`, { waitUntil: 'commit' })
  const seenAt = await waitForWords(page, lastWords)
  return { page, openedMs: seenAt - Number(await page.evaluate('performance.timeOrigin')) }
}

/** When an answer with these words was painted. The page's own policy forbids it to evaluate what it is given, so the asking is a promise. */
export const waitForWords = (page: Page, words: string): Promise<number> =>
  page.evaluate<number>(`new Promise((resolve, reject) => {
    const started = performance.now()
    const timer = setInterval(() => {
      const found = window.seenRows?.find(([, text]) => text.includes(${JSON.stringify(words)}))
      if (found) resolve(found[0])
      else if (performance.now() - started > ${PATIENCE_MS}) reject(new Error('never on the screen: ' + ${JSON.stringify(words)}))
      else return
      clearInterval(timer)
    }, 10)
  })`)

/** Runs in the page: notes the words of each answer, and when it was first painted, as milliseconds since 1970. */
const WATCH_ROWS = `
  window.seenRows = []
  const known = new Set()
  const look = () => {
    const rows = [...document.querySelectorAll('.answer')].map((row) => row.textContent)
    const fresh = rows.filter((text) => !known.has(text))
    for (const text of fresh) known.add(text)
    const painted = () => window.seenRows.push(...fresh.map((text) => [performance.timeOrigin + performance.now(), text]))
    if (fresh.length > 0) requestAnimationFrame(() => setTimeout(painted))
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true })
`

/** Of the scripts that a page has loaded, as they came over the wire, in kB. */
export const scriptKilobytes = async (page: Page): Promise<number> =>
  Number(
    await page.evaluate(
      `performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).reduce((sum, entry) => sum + entry.encodedBodySize, 0) / 1024`,
    ),
  )

/** What the page's own process holds in memory that it shares with no other, in MB. */
export const pageMegabytes = async (browser: Browser): Promise<number> => {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const sizes = await Promise.all(processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => readAnonymous(id)))
  return Math.max(...sizes)
}

const readAnonymous = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024
}
