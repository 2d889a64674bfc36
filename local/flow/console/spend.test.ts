// Money as an admin sees it: what was spent, what stands still for want of it, and a cap that is raised where it stands.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Platform, startPlatform } from '../start-platform.ts'
import { type Customer, makeCustomer, makeSession } from './make-customer.ts'
import { type ConsoleBrowser, openBrowser, signIn } from './open-browser.ts'

let platform: Platform
let browser: ConsoleBrowser
let customer: Customer

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), openBrowser()])
  platform.scene.model.addScript('hello', [{ text: 'Hello.' }])
  await platform.workers.start()
  customer = await makeCustomer(platform)
}, 90_000)
afterEach(() => browser.closeTabs())
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

const openAs = async (key: string, path = '/spend'): Promise<Page> => {
  const { page } = await browser.open(`${platform.url}${path}`)
  await signIn(page, key)
  return page
}

it('an admin sees what a session spends as it spends it, and raises the cap that held it', async () => {
  const page = await openAs(customer.adminKey)
  await page.getByRole('heading', { name: '$0.00 spent' }).waitFor()
  const id = await makeSession(platform, customer, { title: 'Say hello', prompt: 'Hello. [[script:hello]]', budgetUsd: '0.001' })

  const stopped = page.getByRole('region', { name: '1 session waits for a higher cap' })
  await stopped.getByRole('link', { name: 'Say hello' }).waitFor()
  await stopped.getByRole('button', { name: /Capped at \$0\.0010 lifetime/ }).click()
  await stopped.getByRole('button', { name: 'Change the lifetime cap' }).click()
  await stopped.getByLabel('Cap in US dollars').fill('a dollar')
  await page.keyboard.press('Enter')
  await stopped.getByText(/^Must be a decimal string in US dollars/).waitFor()
  await stopped.getByLabel('Cap in US dollars').fill('1')
  await stopped.getByLabel('Alerts at percent').fill('50, 101')
  await page.keyboard.press('Enter')
  await stopped.getByText('Must be a whole number from 1 to 100.').waitFor()
  await stopped.getByLabel('Alerts at percent').fill('50')
  await page.keyboard.press('Enter')

  await stopped.waitFor({ state: 'detached' })
  const bySession = page.getByRole('region', { name: 'By session' })
  await bySession.getByRole('link', { name: 'Say hello' }).waitFor()
  await page.getByRole('region', { name: 'By agent' }).getByRole('link', { name: 'Repairer' }).waitFor()
  await page.getByRole('region', { name: 'By model' }).getByText('claude-sonnet-5-5').waitFor()
  const { session } = await platform.get<{ session: { status: string; usage: { costUsd: string }; budgets: { limitUsd: string }[] } }>(
    customer.memberKey,
    'query ($id: ID!) { session(id: $id) { status usage { costUsd } budgets { limitUsd } } }',
    { id },
  )
  expect(session).toMatchObject({ status: 'IDLE', budgets: [{ limitUsd: '1.00' }] })
  expect(Number(session.usage.costUsd)).toBeGreaterThan(0)
  // Rounded up to the places that a person reads.
  const spent = `$${(Math.ceil(Number(session.usage.costUsd) * 10_000) / 10_000).toFixed(4)}`
  await page.getByRole('heading', { name: `${spent} spent` }).waitFor()
  await page.getByText('The figures as a table').click()
  await page.getByRole('row', { name: new RegExp(`^[A-Z][a-z]+ \\d+ \\${spent}$`) }).waitFor()
  await platform.scene.expectClean()
}, 120_000)

it('an admin sets and removes caps of the tenant, and can’t touch the operator’s', async () => {
  const page = await openAs(customer.adminKey)
  const caps = page.getByRole('region', { name: 'Caps of the tenant' })
  await caps.getByText('set by the operator').waitFor()
  expect(await caps.getByRole('button', { name: /Change|Remove/ }).count()).toBe(0)
  await caps.getByRole('button', { name: 'Set a monthly cap' }).click()
  await caps.getByLabel('Cap in US dollars').fill('3')
  await page.keyboard.press('Enter')
  await caps.getByText('of $3.00').waitFor()
  await caps.getByText('of $5.00').waitFor()
  await caps.getByRole('button', { name: 'Remove the monthly cap' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove the cap' }).click()
  await caps.getByText('of $3.00', { exact: true }).waitFor({ state: 'detached' })
  await caps.getByText('of $5.00').waitFor()
}, 60_000)

it('the operator changes the operator’s cap of a tenant that it names', async () => {
  const page = await openAs(platform.operatorKey, `/spend?tenant=${customer.tenantId}`)
  const caps = page.getByRole('region', { name: 'Caps of the tenant' })
  await caps.getByRole('button', { name: 'Change the monthly cap' }).click()
  await caps.getByLabel('Cap in US dollars').fill('6.50')
  await page.keyboard.press('Enter')
  await caps.getByText('of $6.50').waitFor()
}, 60_000)

it('a viewer reads the figures, and is offered no change', async () => {
  const page = await openAs(customer.viewerKey)
  await page.getByText('Caps are changed by an admin of the tenant.').waitFor()
  await page.getByRole('region', { name: 'Caps of the tenant' }).getByText('set by the operator').waitFor()
  expect(await page.getByRole('button', { name: /Change|Remove|Set a/ }).count()).toBe(0)
}, 60_000)
