// Tenants as the operator makes, limits and suspends them.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Platform, startPlatform } from '../start-platform.ts'
import { type Customer, makeCustomer } from './make-customer.ts'
import { type ConsoleBrowser, openBrowser, signIn } from './open-browser.ts'

let platform: Platform
let browser: ConsoleBrowser
let customer: Customer

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), openBrowser()])
  customer = await makeCustomer(platform)
}, 90_000)
afterEach(() => browser.closeTabs())
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

const openAs = async (key: string): Promise<Page> => {
  const { page } = await browser.open(`${platform.url}/tenants`)
  await signIn(page, key)
  return page
}

type Tenant = {
  slug: string
  name: string
  status: string
  maxConcurrentSessions: number
  checkpointRetention: { allForHours: number; hourlyForDays: number; dailyForDays: number | null }
  budgets: { period: string; setBy: string; limitUsd: string }[]
}

const readTenant = async (slug: string): Promise<Tenant> => {
  const { tenant } = await platform.get<{ tenant: Tenant }>(
    platform.operatorKey,
    'query ($slug: String!) { tenant(slug: $slug) { slug name status maxConcurrentSessions checkpointRetention { allForHours hourlyForDays dailyForDays } budgets { period setBy limitUsd } } }',
    { slug },
  )
  return tenant
}

it('the operator makes a tenant with a cap, whose first key is shown once', async () => {
  const page = await openAs(platform.operatorKey)
  await page.getByRole('button', { name: 'New tenant' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Zürich Robotics')
  expect(await dialog.getByLabel('Slug').inputValue()).toBe('zurich-robotics')
  await dialog.getByLabel('Slug').fill('acme')
  await dialog.getByLabel('Monthly cap').fill('250')
  await dialog.getByRole('button', { name: 'Make the tenant' }).click()
  await dialog.getByText('The slug acme is taken.').waitFor()
  await dialog.getByLabel('Slug').fill('zurich')
  await dialog.getByRole('button', { name: 'Make the tenant' }).click()

  const secret = (await page.locator('.secret').textContent()) ?? ''
  const { viewer } = await platform.get<{ viewer: { role: string; tenant: { slug: string } } }>(
    secret,
    '{ viewer { role tenant { slug } } }',
  )
  expect(viewer).toEqual({ role: 'ADMIN', tenant: { slug: 'zurich' } })
  expect(await readTenant('zurich')).toMatchObject({
    name: 'Zürich Robotics',
    budgets: [{ period: 'MONTH', setBy: 'OPERATOR', limitUsd: '250.00' }],
  })
  await page.getByRole('row', { name: /Zürich Robotics zurich .*\$0\.00 of \$250\.00/ }).waitFor()
  await page.reload()
  await page.getByRole('row', { name: /Zürich Robotics/ }).waitFor()
  expect(await page.getByText(secret).count()).toBe(0)
}, 120_000)

it('the operator changes limits, suspends and resumes', async () => {
  const page = await openAs(platform.operatorKey)
  await page.getByRole('button', { name: 'Limits of Acme' }).click()
  const limits = page.getByRole('form', { name: 'Limits of Acme' })
  await limits.getByLabel('Sessions that run a turn at once').fill('0')
  await limits.getByRole('button', { name: 'Save' }).click()
  await limits.getByText('Must be a whole number from 1 to 100000.').waitFor()
  await limits.getByLabel('Sessions that run a turn at once').fill('7')
  await limits.getByLabel('All stay for so many hours').fill('0')
  await limits.getByLabel('Then one a day, up to so many days').fill('30')
  await limits.getByRole('button', { name: 'Save' }).click()
  await limits.getByText('Must be a whole number from 1 to 8760.').waitFor()
  await limits.getByLabel('All stay for so many hours').fill('6')
  await limits.getByRole('button', { name: 'Save' }).click()
  await limits.getByText('Saved.').waitFor()
  expect(await readTenant('acme')).toMatchObject({
    maxConcurrentSessions: 7,
    checkpointRetention: { allForHours: 6, hourlyForDays: 1, dailyForDays: 30 },
  })

  const caps = page.getByRole('region', { name: 'Caps of Acme' })
  await caps.getByRole('button', { name: 'Set a daily cap' }).click()
  await caps.getByLabel('Cap in US dollars').fill('2')
  await page.keyboard.press('Enter')
  await caps.getByText('of $2.00').waitFor()
  expect((await readTenant('acme')).budgets).toContainEqual({ period: 'DAY', setBy: 'OPERATOR', limitUsd: '2.00' })

  await page.getByRole('button', { name: 'Suspend Acme' }).click()
  await page.getByRole('button', { name: 'Suspend the tenant' }).click()
  await page.getByRole('row', { name: /Acme acme .*suspended/ }).waitFor()
  expect(await readTenant('acme')).toMatchObject({ status: 'SUSPENDED' })
  await page.getByRole('button', { name: 'Resume Acme' }).click()
  await page.getByRole('button', { name: 'Resume the tenant' }).click()
  await page.getByRole('row', { name: /Acme acme .*active/ }).waitFor()
  expect(await readTenant('acme')).toMatchObject({ status: 'ACTIVE', maxConcurrentSessions: 7 })
}, 120_000)

it('an admin is told whose page it is', async () => {
  const page = await openAs(customer.adminKey)
  await page.getByRole('heading', { name: 'For operators' }).waitFor()
}, 60_000)
