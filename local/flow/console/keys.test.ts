// Keys: shown once, good for what their role says, and good for nothing once revoked.
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

const openAs = async (key: string, path = '/keys'): Promise<Page> => {
  const { page } = await browser.open(`${platform.url}${path}`)
  await signIn(page, key)
  return page
}

const roleOf = async (key: string): Promise<string | undefined> =>
  (await platform.ask<{ viewer: { role: string } }>(key, '{ viewer { role } }')).data?.viewer.role

it('an admin makes a key that is shown once and works, and revokes it', async () => {
  const page = await openAs(customer.adminKey)
  await page.getByRole('button', { name: 'New key' }).click()
  const dialog = page.getByRole('dialog', { name: 'New key' })
  await dialog.getByLabel('Name').fill('the night shift')
  await dialog.getByLabel(/^viewer/).check()
  await dialog.getByLabel('Expires').selectOption('date')
  await dialog.getByLabel('Last day').fill('2020-01-01')
  await dialog.getByRole('button', { name: 'Make the key' }).click()
  await dialog.getByText('Must be in the future.').waitFor()
  await dialog.getByLabel('Expires').selectOption('30')
  await dialog.getByRole('button', { name: 'Make the key' }).click()

  const note = page.getByRole('region', { name: 'The key “the night shift” is made' })
  const secret = (await note.locator('.secret').textContent()) ?? ''
  expect(await roleOf(secret)).toBe('VIEWER')
  await page.keyboard.press('Escape')
  expect(await note.isVisible()).toBe(true)
  await note.getByRole('button', { name: 'I have it' }).click()
  await page.reload()
  const row = page.getByRole('row', { name: /the night shift viewer usable/ })
  await row.waitFor()
  expect(await page.getByText(secret).count()).toBe(0)

  await row.getByRole('button', { name: 'Revoke the night shift' }).click()
  await page.getByRole('button', { name: 'Revoke the key' }).click()
  await row.waitFor({ state: 'detached' })
  await page.getByLabel('Show revoked (1)').check()
  await page.getByRole('row', { name: /the night shift viewer revoked/ }).waitFor()
  expect(await roleOf(secret)).toBeUndefined()
}, 120_000)

it('a tab whose key is revoked is asked for another', async () => {
  const member = await openAs(customer.memberKey, '/agents')
  await member.getByRole('link', { name: 'Repairer' }).waitFor()
  const page = await openAs(customer.adminKey)
  await page.getByRole('button', { name: 'Revoke ci' }).click()
  await page.getByRole('button', { name: 'Revoke the key' }).click()
  await page.getByRole('button', { name: 'Revoke ci' }).waitFor({ state: 'detached' })
  await member.getByRole('link', { name: 'Environments' }).click()
  await member.getByText('This key is no longer good').waitFor()
  await member.getByLabel('API key').waitFor()
}, 60_000)

it('a viewer reads which keys there are, and is offered none of it', async () => {
  const page = await openAs(customer.viewerKey)
  await page.getByRole('row', { name: /wall yours, now viewer usable/ }).waitFor()
  expect(await page.getByRole('button', { name: /New key|Revoke/ }).count()).toBe(0)
}, 60_000)

it('the operator makes a key for a tenant', async () => {
  const page = await openAs(platform.operatorKey)
  await page.getByText('Whose keys?').waitFor()
  await page.getByLabel('Tenant').selectOption(customer.tenantId)
  await page.getByRole('button', { name: 'New key' }).click()
  await page.getByLabel('Name').fill('rescue')
  await page.getByLabel(/^admin/).check()
  await page.getByRole('button', { name: 'Make the key' }).click()
  const secret = (await page.locator('.secret').textContent()) ?? ''
  expect(await roleOf(secret)).toBe('ADMIN')
}, 60_000)
