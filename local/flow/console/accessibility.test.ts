// Every page, in dark and light, for a wide screen and a phone's: nothing that axe-core calls serious, and nothing wider than the screen.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { repairConditions, repairPrompt, repairResources, repairScript } from '@longhaul/core/testing/scripted-model/scripts/repair.ts'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Platform, startPlatform } from '../start-platform.ts'
import { type Customer, makeCustomer, makeSession } from './make-customer.ts'
import { type ConsoleBrowser, openBrowser, signIn } from './open-browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let platform: Platform
let browser: ConsoleBrowser
let customer: Customer
let sessionId: string

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), openBrowser()])
  platform.scene.model.addScript('repair', repairScript())
  await platform.workers.start()
  customer = await makeCustomer(platform)
  sessionId = await makeSession(platform, customer, {
    title: 'Repair the calculator',
    prompt: repairPrompt,
    resources: repairResources,
    doneConditions: repairConditions,
    budgetUsd: '1',
  })
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

/** In the browser's own way past the page's policy, which lets no such script in. */
const findFaults = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE)
  const { violations } = await page.evaluate<AxeResults>('axe.run()')
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  return serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

const widerThanItsScreen = (page: Page): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth > innerWidth')

const openAs = async (key: string, path: string, options: Parameters<ConsoleBrowser['open']>[1]): Promise<Page> => {
  const { page } = await browser.open(`${platform.url}${path}`, options)
  await signIn(page, key)
  return page
}

const SCREENS = [
  { name: 'light', options: { colorScheme: 'light' } },
  { name: 'dark', options: { colorScheme: 'dark' } },
  { name: "light at a phone's size", options: { colorScheme: 'light', viewport: { width: 390, height: 800 } } },
  { name: "dark at a phone's size", options: { colorScheme: 'dark', viewport: { width: 390, height: 800 } } },
] as const

describe.each(SCREENS)('in $name', ({ options }) => {
  it('the sign-in has no serious fault, nor when a key is refused', async () => {
    const { page } = await browser.open(platform.url, options)
    await page.getByLabel('API key').fill('lh_wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    expect(await findFaults(page)).toEqual([])
  }, 60_000)

  it("a session's page has none, with everything unfolded", async () => {
    const page = await openAs(customer.adminKey, `/sessions/${sessionId}`, options)
    await page.locator('.session-now').getByText('completed').waitFor()
    for (const fold of (await page.locator('.fold').all()).slice(0, 8)) await fold.click()
    expect(await findFaults(page)).toEqual([])
    expect(await widerThanItsScreen(page)).toBe(false)
    await page.getByRole('tab', { name: 'Files' }).click()
    await page.getByRole('button', { name: /^calc\.py/ }).click()
    await page.getByText('A small calculator').waitFor()
    expect(await findFaults(page)).toEqual([])
    expect(await widerThanItsScreen(page)).toBe(false)
    const overview = page.getByRole('tab', { name: 'Overview' })
    if (await overview.isVisible()) await overview.click()
    await page.getByText('tests pass', { exact: true }).last().click()
    await page.getByRole('button', { name: 'Waive' }).click()
    await page.getByRole('dialog').waitFor()
    expect(await findFaults(page)).toEqual([])
    expect(await widerThanItsScreen(page)).toBe(false)
  }, 60_000)

  it.each([
    { path: '/', shows: 'Repair the calculator' },
    { path: '/?search=nothing', shows: 'No session fits' },
    { path: '/sessions/new', shows: 'Done when' },
    { path: '/agents', shows: 'Repairer' },
    { path: '/environments', shows: 'Python' },
    { path: '/spend', shows: 'Budgets' },
    { path: '/keys', shows: 'wall' },
    { path: '/nowhere', shows: 'There is no such page' },
  ])(
    'an admin finds none at $path',
    async ({ path, shows }) => {
      const page = await openAs(customer.adminKey, path, options)
      await page.getByText(shows).first().waitFor()
      expect(await findFaults(page)).toEqual([])
      expect(await widerThanItsScreen(page)).toBe(false)
    },
    60_000,
  )

  it.each([
    { path: '/tenants', shows: 'Acme' },
    { path: '/', shows: 'Whose sessions?' },
  ])(
    'an operator finds none at $path',
    async ({ path, shows }) => {
      const page = await openAs(platform.operatorKey, path, options)
      await page.getByText(shows).first().waitFor()
      expect(await findFaults(page)).toEqual([])
      expect(await widerThanItsScreen(page)).toBe(false)
    },
    60_000,
  )
})
