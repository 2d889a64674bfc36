// Every page, in dark and light, for a wide screen and a phone's: nothing that axe-core calls serious, and nothing wider than the screen.
import { repairConditions, repairPrompt, repairResources, repairScript } from '@longhaul/core/testing/scripted-model/scripts/repair.ts'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Platform, startPlatform } from '../start-platform.ts'
import { findFaults, widerThanItsScreen } from './find-faults.ts'
import { type Customer, makeCustomer, makeSession } from './make-customer.ts'
import { type ConsoleBrowser, openBrowser, signIn } from './open-browser.ts'

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
afterEach(() => browser.closeTabs())
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

/** What is wrong with each of these pages, by its path, once it shows the words that say it is all there. */
const findFaultsOn = async (page: Page, pages: Record<string, string>): Promise<Record<string, string[]>> => {
  const found: Record<string, string[]> = {}
  for (const [path, words] of Object.entries(pages)) {
    await page.goto(`${platform.url}${path}`)
    await page.getByText(words).first().waitFor()
    const faults = await findFaults(page)
    if (await widerThanItsScreen(page)) faults.push('wider than its screen')
    if (faults.length > 0) found[path] = faults
  }
  return found
}

/** What is wrong with the dialogs that these buttons open, with each of their choices. */
const findFaultsInDialogs = async (page: Page, buttons: (string | RegExp)[]): Promise<Record<string, string[]>> => {
  const found: Record<string, string[]> = {}
  for (const name of buttons) {
    await page.getByRole('button', { name }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    const faults = await findFaults(page, 'dialog')
    for (const kind of await dialog.getByRole('radio').all()) {
      await kind.check()
      faults.push(...(await findFaults(page, 'dialog')))
    }
    if (await widerThanItsScreen(page)) faults.push('wider than its screen')
    if (faults.length > 0) found[String(name)] = faults
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }
  return found
}

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
    // What is unfolded pushes others out of sight, and those are not drawn.
    const folded = page.locator('.fold[aria-expanded=false]')
    for (let unfolded = 0; unfolded < 8 && (await folded.count()) > 0; unfolded++) await folded.first().click()
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

  it('an admin finds none on any page', async () => {
    const page = await openAs(customer.adminKey, '/', options)
    expect(
      await findFaultsOn(page, {
        '/': 'Repair the calculator',
        '/?search=nothing': 'No session fits',
        '/sessions/new': 'Done when',
        [`/sessions/${sessionId}?view=checkpoints`]: 'Take a checkpoint',
        [`/sessions/${sessionId}/beside/${sessionId}`]: 'Rounds of evaluation',
        '/agents': 'Repairer',
        '/agents/new': 'Create the agent',
        [`/agents/${customer.agentId}`]: 'the first',
        '/environments': 'Python',
        '/environments/new': 'Create the environment',
        [`/environments/${customer.environmentId}`]: 'the first',
        '/spend': '$5.00',
        '/keys': 'wall',
        '/nowhere': 'There is no such page',
      }),
    ).toEqual({})
  }, 120_000)

  it('an operator finds none on the pages that are theirs', async () => {
    const page = await openAs(platform.operatorKey, '/', options)
    expect(
      await findFaultsOn(page, {
        '/': 'Whose sessions?',
        [`/?tenant=${customer.tenantId}`]: 'Repair the calculator',
        [`/spend?tenant=${customer.tenantId}`]: 'By kind of call',
        [`/keys?tenant=${customer.tenantId}`]: 'wall',
        '/tenants': 'Acme',
      }),
    ).toEqual({})
    await page.getByRole('button', { name: 'Limits of Acme' }).click()
    await page.getByRole('button', { name: 'Set a daily cap' }).click()
    expect(await findFaults(page)).toEqual([])
    expect(await findFaultsInDialogs(page, ['Suspend Acme', 'New tenant'])).toEqual({})
  }, 120_000)

  it('an admin finds none in forms with errors, in a secret, or in figures unfolded', async () => {
    const page = await openAs(customer.adminKey, '/agents/new', options)
    await page.getByLabel('Name').fill('Reviewer')
    await page.getByLabel('Model', { exact: true }).fill('gpt-9')
    await page.getByRole('button', { name: 'Create the agent' }).click()
    await page.getByText(/^Must be a Claude model/).waitFor()
    expect(await findFaults(page)).toEqual([])
    await page.goto(`${platform.url}/keys`)
    await page.getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Name').fill('shown')
    expect(await findFaults(page)).toEqual([])
    await page.getByRole('button', { name: 'Make the key' }).click()
    await page.locator('.secret').waitFor()
    expect(await findFaults(page)).toEqual([])
    expect(await widerThanItsScreen(page)).toBe(false)
    await page.goto(`${platform.url}/spend`)
    await page.getByText('The figures as a table').click()
    await page
      .getByRole('region', { name: 'By session' })
      .getByRole('button', { name: /^Capped at/ })
      .click()
    await page.getByRole('button', { name: 'Change the lifetime cap' }).click()
    expect(await findFaults(page)).toEqual([])
    expect(await widerThanItsScreen(page)).toBe(false)
  }, 120_000)
})

// Colours are the same at any width, and what is too wide for a phone is too wide in either colour.
it.each([SCREENS[0], SCREENS[3]])(
  'no dialog has one in $name, whatever is chosen in it, nor what it says of what is missing',
  async ({ options }) => {
    const page = await openAs(customer.adminKey, `/sessions/${sessionId}`, options)
    await page.locator('.session-now').getByText('completed').waitFor()
    const overview = page.getByRole('tab', { name: 'Overview' })
    if (await overview.isVisible()) await overview.click()
    expect(await findFaultsInDialogs(page, ['Add a condition …', 'Set the cap …'])).toEqual({})
    await page.getByRole('button', { name: 'Add a condition …' }).click()
    await page.getByRole('button', { name: 'Add the condition' }).click()
    await page.locator('dialog [aria-invalid=true]').first().waitFor()
    expect(await findFaults(page, 'dialog')).toEqual([])
    await page.goto(`${platform.url}/sessions/${sessionId}?view=checkpoints`)
    expect(await findFaultsInDialogs(page, ['Take a checkpoint …', /^Rewind to/, /^Fork from/])).toEqual({})
    await page.goto(`${platform.url}/environments/${customer.environmentId}`)
    expect(await findFaultsInDialogs(page, ['Archive …'])).toEqual({})
    await page.goto(`${platform.url}/keys`)
    expect(await findFaultsInDialogs(page, [/^Revoke/])).toEqual({})
  },
  60_000,
)
