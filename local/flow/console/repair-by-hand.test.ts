// The flow of flow/repair.test.ts, by mouse and keyboard alone: what a person does who never sees the API.
import { repairPrompt, repairResources, repairScript } from '@longhaul/core/testing/scripted-model/scripts/repair.ts'
import { startTcpProxy, type TcpProxy } from '@longhaul/core/testing/tcp-proxy.ts'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Platform, startPlatform } from '../start-platform.ts'
import { type Customer, makeCustomer } from './make-customer.ts'
import { type ConsoleBrowser, openBrowser, signIn } from './open-browser.ts'

let platform: Platform
let browser: ConsoleBrowser
let customer: Customer
let wire: TcpProxy

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), openBrowser()])
  platform.scene.model.addScript('repair', repairScript({ chunkDelayMs: 12 }))
  platform.scene.model.addScript('thanks', [{ text: 'You are welcome.' }])
  await platform.workers.start()
  customer = await makeCustomer(platform)
  wire = await startTcpProxy({ port: Number(new URL(platform.url).port) })
}, 90_000)
afterEach(() => browser.closeTabs())
afterAll(async () => {
  await browser?.close()
  await wire?.stop()
  await platform?.stop()
})

const fillSession = async (page: Page): Promise<void> => {
  await page.getByRole('link', { name: 'New session' }).first().click()
  await page.getByLabel('Title').fill('Repair the calculator')
  await page.getByLabel('Prompt').fill(repairPrompt)
  for (const [index, { file }] of repairResources.entries()) {
    await page.getByRole('button', { name: 'Text file' }).click()
    await page.getByLabel('Path below /workspace').nth(index).fill(file.path)
    await page.getByLabel('Content').nth(index).fill(file.text)
  }
  await page.getByRole('button', { name: 'Command' }).click()
  await page.getByLabel('Name').first().fill('tests pass')
  await page.getByRole('textbox', { name: 'Command' }).fill('python3 -m unittest -q')
  await page.getByRole('button', { name: 'Unchanged' }).click()
  await page.getByLabel('Name').nth(1).fill('test files unchanged')
  await page.getByLabel('Paths or globs').fill('test_*.py')
  await page.getByLabel('Budget in US dollars').fill('1')
}

const sessionIdOf = (page: Page): string => new URL(page.url()).pathname.split('/').at(-1) ?? ''

const headOf = async (id: string): Promise<number> =>
  (await platform.get<{ session: { head: number } }>(customer.memberKey, 'query ($id: ID!) { session(id: $id) { head } }', { id })).session
    .head

describe('a person with a member key', () => {
  it('starts the repair, loses the network and the worker in the middle, and sees all of it once', async () => {
    const doomed = await platform.workers.start()
    const { page, faults } = await browser.open(wire.through(platform.url))
    await signIn(page, customer.memberKey)
    await page.getByText('No sessions yet').waitFor()
    await fillSession(page)
    await page.getByRole('button', { name: 'Start the session' }).click()
    await page.getByRole('heading', { name: 'Repair the calculator' }).waitFor()
    const id = sessionIdOf(page)
    platform.scene.note({ kind: 'accepted', sessionId: id, seq: 1 })

    await platform.scene.model.waitForRequest(({ session, step }) => session === id && step === 3)
    wire.down()
    doomed.child.kill('SIGKILL')
    await page.getByText('The connection is lost').waitFor()
    // What happens now is seen by nobody.
    await platform.scene.model.waitForRequest(({ session, step }) => session === id && step === 6)
    wire.up()

    await page.locator('.mark[data-type="session.status"]').getByText('completed').waitFor()
    expect(await page.getByText('The connection is lost').count()).toBe(0)
    const head = await headOf(id)
    await page.getByText(`${head} events`).waitFor()
    const conditions = page.getByRole('region', { name: 'Conditions' })
    await conditions.getByText('round 3 of 10').waitFor()
    expect(await conditions.getByText('satisfied', { exact: true }).count()).toBe(2)
    const told = await readAll(page)
    // Each answer once, in the order of the script, although the connection broke in the middle.
    const answers = [
      'I will start by reading',
      'I have gone through',
      'You are right',
      'Two tests fail',
      'All remaining tests',
      'Changing the tests',
      'divides by',
      'All three tests pass',
    ]
    expect(answers.map((words) => told.filter((row) => row.includes(words)).length)).toEqual(answers.map(() => 1))
    const places = answers.map((words) => told.findIndex((row) => row.includes(words)))
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    expect(faults).toEqual([])
    await platform.scene.expectClean()
  }, 180_000)

  it('reads what was changed, in the timeline and in the workspace, and speaks to the agent again', async () => {
    const { page, faults } = await browser.open(platform.url)
    await signIn(page, customer.memberKey)
    await page.getByRole('link', { name: 'Repair the calculator' }).click()
    await page
      .getByRole('button', { name: /edit calc\.py/ })
      .first()
      .click()
    await page
      .locator('.diff-block [data-sign="+"]')
      .filter({ hasText: /\+ len\(numbers\)/ })
      .waitFor()

    await page.getByRole('tab', { name: 'Files' }).click()
    await page.getByRole('button', { name: /^calc\.py/ }).click()
    await page.getByText('sum(numbers) / len(numbers)').waitFor()
    await page.getByRole('tab', { name: 'Timeline' }).click()

    await page.getByLabel('Message to the agent').fill('Thank you. [[script:thanks]]')
    // At rest there is nothing that a message could wait for, or stop.
    expect(await page.getByRole('group', { name: 'When it is read' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('You are welcome.').waitFor()
    await page
      .locator('.message')
      .filter({ hasText: 'Thank you.' })
      .getByText(/^read at/)
      .waitFor()
    await page.locator('.session-now').getByText('completed').waitFor()
    expect(faults).toEqual([])
  }, 120_000)

  it('may not set caps or waive, and is not offered to', async () => {
    const { page } = await browser.open(platform.url)
    await signIn(page, customer.memberKey)
    await page.getByRole('link', { name: 'Repair the calculator' }).click()
    await page.getByRole('region', { name: 'Conditions' }).getByText('tests pass').click()
    await page.getByText('Last verdict').first().waitFor()
    expect(await page.getByRole('button', { name: /Waive|Set the cap/ }).count()).toBe(0)
    expect(await page.getByRole('link', { name: /Spend|Keys|Tenants/ }).count()).toBe(0)
  }, 60_000)
})

/** What each row of the timeline says, from the first to the last, by scrolling. */
const readAll = async (page: Page): Promise<string[]> => {
  await page.getByRole('button', { name: '↑ Beginning' }).click()
  const rows = new Map<number, string>()
  const scroller = page.getByRole('log')
  const look = async () => {
    for (const row of await page.locator('.timeline-row').all()) {
      const [index, text] = await row.evaluate((element) => [Number(element.dataset['index']), element.textContent ?? ''] as const)
      rows.set(index, text)
    }
  }
  for (;;) {
    await page.locator('.timeline-unread').waitFor({ state: 'detached' })
    await look()
    const atEnd = await scroller.evaluate((element) => {
      const before = element.scrollTop
      element.scrollBy(0, element.clientHeight / 2)
      return element.scrollTop === before
    })
    if (atEnd) break
  }
  return [...rows].sort(([one], [other]) => one - other).map(([, text]) => text)
}
