// Connections break while pages load: what only reads is asked for again, what changes something is not.
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

const openAsAdmin = async (): Promise<Page> => {
  const { page } = await browser.open(platform.url)
  await signIn(page, customer.adminKey)
  await page.getByText('No sessions yet').waitFor()
  return page
}

/** Breaks the first `breaks` of the page's requests that fit; answers with how many there were. */
const breakFirst = async (page: Page, fits: (url: string, body: string) => boolean, breaks: number): Promise<() => number> => {
  let seen = 0
  await page.route('**', async (route) => {
    const request = route.request()
    if (!fits(request.url(), request.postData() ?? '')) return route.continue()
    seen += 1
    return seen <= breaks ? route.abort('connectionreset') : route.continue()
  })
  return () => seen
}

it('a list whose request is cut off is read all the same', async () => {
  const page = await openAsAdmin()
  const count = await breakFirst(page, (_, body) => body.includes('query Agents'), 2)
  await page.getByRole('link', { name: 'Agents' }).click()
  await page.getByRole('link', { name: 'Repairer' }).waitFor()
  expect(count()).toBeGreaterThanOrEqual(3)
}, 60_000)

/** The browser asks for a page's code twice: ahead of time, and when it runs. */
const isCode = (url: string) => /\/keys-page-[^/]*\.js$/.test(url)

it('a page whose code is cut off is shown all the same, in the same tab', async () => {
  const page = await openAsAdmin()
  await page.evaluate('window.isOld = true')
  const count = await breakFirst(page, isCode, 2)
  await page.getByRole('link', { name: 'Keys' }).click()
  await page.getByRole('row', { name: /wall/ }).waitFor()
  expect(count()).toBe(3)
  expect(await page.evaluate('window.isOld')).toBe(true)
}, 60_000)

it('a tab that is older than the console is loaded anew, at the page it was asked for', async () => {
  const page = await openAsAdmin()
  await page.evaluate('window.isOld = true')
  await breakFirst(page, isCode, 3)
  await page.getByRole('link', { name: 'Keys' }).click()
  await page.getByRole('row', { name: /wall/ }).waitFor()
  expect(await page.evaluate('window.isOld')).toBeUndefined()
}, 60_000)

it('a change whose answer is cut off is not made twice, and says so', async () => {
  const page = await openAsAdmin()
  await page.getByRole('link', { name: 'Agents' }).click()
  await page.getByRole('link', { name: 'New agent' }).click()
  await page.getByLabel('Name').fill('Once')
  await page.getByLabel('Model', { exact: true }).fill('claude-opus-5')
  const count = await breakFirst(page, (_, body) => body.includes('mutation CreateAgent'), 1)
  await page.getByRole('button', { name: 'Create the agent' }).click()
  await page.getByText('The api does not answer').waitFor()
  expect(count()).toBe(1)
  await page.getByRole('button', { name: 'Create the agent' }).click()
  await page.getByRole('heading', { name: 'Version 1' }).waitFor()
}, 60_000)
