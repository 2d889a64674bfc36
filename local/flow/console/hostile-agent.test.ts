// What an agent writes is inert in the console: shown as text, run by nobody, followed by nobody, and never more than the page can bear.
import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Platform, startPlatform } from '../start-platform.ts'
import { type Customer, makeCustomer, makeSession } from './make-customer.ts'
import { type ConsoleBrowser, openBrowser, signIn } from './open-browser.ts'

const ESC = '\u001b'

const SAID = [
  '<script>window.owned = 1</script><img src=x onerror="window.owned = 2"><svg onload="window.owned = 3"><a xlink:href="javascript:window.owned=4">s</a></svg>',
  '<iframe srcdoc="<script>parent.owned = 5</script>"></iframe><form action="/graphql"><button>Sign in again</button></form>',
  '[a link](javascript:window.owned=6) and [data](data:text/html,<script>window.owned=7</script>) and [outside](https://attacker.invalid/steal)',
  '![picture](https://attacker.invalid/pixel.png) ![inline](javascript:window.owned=8)',
  '<style>body { display: none }</style><meta http-equiv="refresh" content="0;url=https://attacker.invalid">',
].join('\n\n')

const steps: Step[] = [
  {
    text: SAID,
    toolCalls: [
      {
        name: 'bash',
        input: {
          command: `printf '\\033[31mred\\033[0m \\033]0;owned\\007\\033]8;;https://attacker.invalid\\007click\\033]8;;\\007<b>bold</b>\\n'`,
        },
      },
      { name: 'bash', input: { command: `head -c 10485760 /dev/zero | tr '\\0' x; echo; echo '<img src=x onerror=alert(1)>'` } },
      {
        name: 'write',
        input: {
          file_path: '/workspace/<img src=x onerror=alert(1)>.svg',
          content: '<svg onload="alert(1)"><script>alert(2)</script></svg>',
        },
      },
    ],
  },
  { text: `${ESC}[2J${ESC}[31mterminal codes in words${ESC}[0m \u202Edrawkcab` },
]

let platform: Platform
let browser: ConsoleBrowser
let customer: Customer

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), openBrowser()])
  platform.scene.model.addScript('hostile', steps)
  await platform.workers.start()
  customer = await makeCustomer(platform)
}, 90_000)
afterEach(() => browser.closeTabs())
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

/** Everything the page asks for, but its own files and api. */
const watchRequests = (page: Page): string[] => {
  const strange: string[] = []
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(platform.url).origin) strange.push(request.url())
  })
  return strange
}

describe('an agent that attacks who watches it', () => {
  it('is shown as text: nothing runs, nothing is fetched, and the page stays alive', async () => {
    const title = '<img src=x onerror=window.owned=9>'
    const id = await makeSession(platform, customer, {
      title,
      prompt: 'Attack the page. [[script:hostile]] <script>window.owned = 10</script>',
    })
    const { page, faults } = await browser.open(`${platform.url}/sessions/${id}`)
    const strange = watchRequests(page)
    await signIn(page, customer.memberKey)
    await page.getByRole('heading', { name: title }).waitFor()
    await page.locator('.session-now').getByText('idle').waitFor()

    await page.getByText('<script>window.owned = 1</script>').waitFor()
    for (const fold of await page.locator('.tool .fold').all()) await fold.click()
    await page.locator('.terminal .ansi-fg-1').getByText('red').waitFor()
    await page.locator('.terminal').getByText('click<b>bold</b>').waitFor()
    await page.getByText('Cut in the middle').waitFor()

    await page.getByRole('tab', { name: 'Files' }).click()
    await page.getByRole('button', { name: 'onerror' }).click()
    await page.getByText('<svg onload="alert(1)">').waitFor()
    await page.getByRole('link', { name: 'Sessions' }).first().click()
    await page.getByRole('link', { name: title }).waitFor()

    expect(await page.evaluate('window.owned')).toBeUndefined()
    expect(strange).toEqual([])
    expect(faults).toEqual([])
    await platform.scene.expectClean()
  }, 120_000)

  it('gets no link that could run, and its other links lead where they say, in a tab of their own', async () => {
    const id = await makeSession(platform, customer, { title: 'links', prompt: 'Attack. [[script:hostile]]' })
    const { page } = await browser.open(`${platform.url}/sessions/${id}`)
    await signIn(page, customer.memberKey)
    await page.locator('.session-now').getByText('idle').waitFor()
    await page.getByRole('button', { name: '↑ Beginning' }).click()
    const link = page.getByRole('link', { name: 'outside' })
    await link.waitFor()
    expect(await link.evaluate((element) => ['href', 'target', 'rel'].map((name) => element.getAttribute(name)))).toEqual([
      'https://attacker.invalid/steal',
      '_blank',
      'noopener noreferrer nofollow',
    ])
    const addresses = await page.locator('.answer a, .message a').evaluateAll((links) => links.map((one) => one.getAttribute('href')))
    expect(addresses.filter((address) => !address?.startsWith('https://'))).toEqual([])
  }, 120_000)
})
