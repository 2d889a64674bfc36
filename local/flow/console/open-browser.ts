// local/flow/console drives the console as people do: a real browser, the real api, worker, database and sandboxes, the scripted model. It
// must never reach into the page's code: what it sees is what is on the screen.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

export type ConsoleBrowser = {
  /** A tab of its own, with nothing kept from another. `faults` grows by what the page complains of: errors, refused scripts and styles. */
  open(url: string, options?: BrowserContextOptions): Promise<{ page: Page; faults: string[] }>
  closeTabs(): Promise<void>
  close(): Promise<void>
}

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const BUILT = path.join(import.meta.dirname, '../../../web/dist/index.html')

/** A shared machine of two cores draws slowly; nobody waits for longer than this. */
const PATIENCE_MS = 30_000

export const openBrowser = async (): Promise<ConsoleBrowser> => {
  if (!existsSync(BUILT)) throw new Error('the console is not built: `npm run build -w web`, or start the tests with `npm test`')
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM,
    // Without a locale, as on a bare machine, it saves no file under a name beyond ASCII.
    env: { ...process.env, LANG: 'C.UTF-8' },
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update'],
  })
  return {
    open: async (url, options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
      const page = await context.newPage()
      page.setDefaultTimeout(PATIENCE_MS)
      const faults: string[] = []
      page.on('pageerror', (error) => faults.push(error.message))
      page.on('console', (line) => {
        // Connections that a test cuts are told by the browser, and are no fault of the page's.
        if (line.type() === 'error' && !/net::ERR_|WebSocket connection to/.test(line.text())) faults.push(line.text())
      })
      await page.goto(url)
      return { page, faults }
    },
    closeTabs: async () => {
      for (const context of browser.contexts()) await context.close()
    },
    close: () => browser.close(),
  }
}

/** By keyboard, as a person would. */
export const signIn = async (page: Page, key: string): Promise<void> => {
  await page.getByLabel('API key').fill(key)
  await page.keyboard.press('Enter')
  // On a phone the pages' list is behind a menu: that the question is gone says that one is in.
  await page.getByLabel('API key').waitFor({ state: 'detached' })
}
