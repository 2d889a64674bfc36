// Agents and environments as an admin makes and changes them, and as others may only read them.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Platform, startPlatform } from '../start-platform.ts'
import { findFaults } from './find-faults.ts'
import { type Customer, makeCustomer, makeSession } from './make-customer.ts'
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

const openAs = async (key: string, path: string): Promise<{ page: Page; faults: string[] }> => {
  const opened = await browser.open(`${platform.url}${path}`)
  await signIn(opened.page, key)
  return opened
}

type Latest = { version: number; model: string; system: string | null; tools: { name: string; permission: string }[] }

const readAgent = async (id: string): Promise<{ name: string; archivedAt: string | null; latest: Latest }> => {
  const { node } = await platform.get<{ node: { name: string; archivedAt: string | null; latest: Latest } }>(
    customer.viewerKey,
    'query ($id: ID!) { node(id: $id) { ... on Agent { name archivedAt latest { version model system tools { name permission } } } } }',
    { id },
  )
  return node
}

const idOf = (page: Page): string => new URL(page.url()).pathname.split('/').at(-1) ?? ''

describe('an admin', () => {
  it('makes an agent, told at the field what the api would take, and changes it version by version', async () => {
    const { page, faults } = await openAs(customer.adminKey, '/agents')
    await page.getByRole('link', { name: 'New agent' }).click()
    await page.getByLabel('Name').fill('Reviewer')
    await page.getByLabel('Model', { exact: true }).fill('gpt-9')
    await page.keyboard.press('Enter')
    await page.getByText(/^Must be a Claude model, such as/).waitFor()
    await page.getByLabel('Model', { exact: true }).fill('claude-opus-5')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Version 1' }).waitFor()
    const id = idOf(page)

    expect(await page.getByRole('button', { name: 'Save as version 2' }).isDisabled()).toBe(true)
    await page.getByRole('group', { name: 'Permission of bash' }).getByText('Denied').click()
    await page.getByRole('button', { name: 'Save as version 2' }).click()
    await page.getByText('Version 2 is saved').waitFor()
    await page.getByLabel('Instructions').fill('Review with care.')
    await page.getByRole('button', { name: 'Save as version 3' }).click()
    await page.getByText('Version 3 is saved').waitFor()
    const denied = [{ name: 'bash', permission: 'DENY' }]
    expect((await readAgent(id)).latest).toEqual({ version: 3, model: 'claude-opus-5', system: 'Review with care.', tools: denied })

    const versions = page.getByRole('region', { name: 'Versions' })
    await versions.getByText('other instructions').waitFor()
    await versions.getByText('other tools').waitFor()
    await versions.getByText('Version 1', { exact: true }).click()
    await versions.getByText('all allowed').waitFor()
    await versions.getByRole('button', { name: 'Start a change from version 1' }).click()
    await page.getByRole('button', { name: 'Save as version 4' }).click()
    await page.getByText('Version 4 is saved').waitFor()
    expect((await readAgent(id)).latest).toEqual({ version: 4, model: 'claude-opus-5', system: null, tools: [] })
    // The browser itself tells of each answer that is a 400.
    expect(faults.filter((fault) => !fault.includes('status of 400'))).toEqual([])
  }, 120_000)

  it('does not write over what somebody else changed meanwhile', async () => {
    const { page } = await openAs(customer.adminKey, `/agents/${customer.agentId}`)
    await page.getByLabel('Instructions').fill('Mine.')
    await platform.get(
      customer.adminKey,
      'mutation ($id: ID!) { updateAgent(input: {id: $id, model: "claude-haiku-5-5"}) { agent { id } } }',
      { id: customer.agentId },
    )
    await page.getByRole('button', { name: 'Save as version 2' }).click()
    await page.getByText('is at version 2, not 1: read it again').waitFor()
    expect((await readAgent(customer.agentId)).latest.system).toBeNull()
    await page.getByRole('button', { name: 'Start over from version 2' }).click()
    await page.getByLabel('Instructions').fill('Mine.')
    await page.getByRole('button', { name: 'Save as version 3' }).click()
    await page.getByText('Version 3 is saved').waitFor()
    expect((await readAgent(customer.agentId)).latest).toMatchObject({ version: 3, model: 'claude-haiku-5-5', system: 'Mine.' })
  }, 120_000)

  it('makes an environment, changes its size, and archives it for good', async () => {
    const { page } = await openAs(customer.adminKey, '/environments')
    await page.getByRole('link', { name: 'New environment' }).click()
    await page.getByLabel('Name').fill('Small')
    await page.getByLabel('Memory, in MB').fill('1')
    await page.getByLabel('Network').selectOption('OPEN')
    await page.getByRole('button', { name: 'Create the environment' }).click()
    await page.getByText(/^Must be from 64 to/).waitFor()
    await page.getByLabel('Memory, in MB').fill('512')
    await page.getByRole('button', { name: 'Create the environment' }).click()
    await page.getByText(/^Must be NONE: this release/).waitFor()
    await page.getByLabel('Network').selectOption('NONE')
    await page.getByRole('button', { name: 'Create the environment' }).click()
    await page.getByRole('heading', { name: 'Version 1' }).waitFor()
    await page.getByLabel('CPUs').fill('0.5')
    await page.getByLabel('Stopped without work after').fill('90000')
    await page.getByLabel('Kept awake by running processes').fill('600')
    await page.getByRole('button', { name: 'Save as version 2' }).click()
    await page.getByText('Must be from 1 to 3600.').waitFor()
    await page.getByLabel('Stopped without work after').fill('90')
    await page.getByRole('button', { name: 'Save as version 2' }).click()
    await page.getByText('Version 2 is saved').waitFor()
    await page.getByText('other CPUs').waitFor()

    await page.getByRole('button', { name: 'Archive …' }).click()
    await page.getByRole('button', { name: 'Archive the environment' }).click()
    await page.getByText(/^Archived on/).waitFor()
    expect(await page.getByRole('button', { name: /Save|Archive/ }).count()).toBe(0)
    await page.getByRole('link', { name: 'Environments' }).first().click()
    await page.getByRole('link', { name: 'Python' }).waitFor()
    expect(await page.getByRole('link', { name: 'Small' }).count()).toBe(0)
    await page.getByLabel('Show archived (1)').check()
    await page.getByRole('row', { name: /Small archived default 0\.5 CPUs · 512 MB/ }).waitFor()
  }, 120_000)
})

it("an environment's page tells what came of each version's set-up, and a session that waits for one says so", async () => {
  platform.scene.model.addScript('use', [{ toolCalls: [{ name: 'bash', input: { command: 'true' } }] }, { text: 'Used.' }])
  await platform.workers.start()
  const createEnvironment =
    'mutation { createEnvironment(input: {name: "Set up", setupScript: "echo begun\\nsleep 6\\nno-such-command"}) { environment { id } } }'
  const made = await platform.get<{ createEnvironment: { environment: { id: string } } }>(customer.adminKey, createEnvironment)
  const { id } = made.createEnvironment.environment
  const { page, faults } = await openAs(customer.viewerKey, `/environments/${id}`)
  const builds = page.getByRole('region', { name: 'Builds of version 1' })
  await builds.getByText('Not built yet').waitFor()

  const sessionId = await makeSession(platform, { ...customer, environmentId: id }, { title: 'Waits', prompt: 'Use it. [[script:use]]' })
  await page.goto(`${platform.url}/sessions/${sessionId}`)
  await page.locator('.session-now').getByText('environment: building').waitFor()
  // Looked at while it goes on, it is shown to its end.
  await page.goto(`${platform.url}/environments/${id}`)
  await builds.getByText('failed', { exact: true }).waitFor()
  await builds.getByText('The set-up script failed at line 3: it exited with 127.').waitFor()
  await builds.getByText('no-such-command: command not found').waitFor()
  expect(await findFaults(page)).toEqual([])

  // An older version's are read where it is opened.
  await platform.get(
    customer.adminKey,
    'mutation ($id: ID!) { updateEnvironment(input: {id: $id, setupScript: "echo better"}) { environment { id } } }',
    { id },
  )
  await page.goto(`${platform.url}/environments/${id}`)
  await page.getByRole('region', { name: 'Builds of version 2' }).getByText('Not built yet').waitFor()
  await page.getByText('Version 1', { exact: true }).click()
  await page.getByRole('list', { name: 'Builds of version 1' }).getByText('failed', { exact: true }).waitFor()
  expect(faults).toEqual([])
}, 60_000)

it.each([
  { who: 'a member', key: () => customer.memberKey, query: '' },
  { who: 'a viewer', key: () => customer.viewerKey, query: '' },
  { who: 'the operator', key: () => platform.operatorKey, query: () => `?tenant=${customer.tenantId}` },
])(
  '$who reads agents and their versions, and is offered no change',
  async ({ key, query }) => {
    const { page } = await openAs(key(), `/agents${typeof query === 'string' ? query : query()}`)
    await page.getByRole('link', { name: 'Repairer' }).waitFor()
    expect(await page.getByRole('link', { name: 'New agent' }).count()).toBe(0)
    await page.getByRole('link', { name: 'Repairer' }).click()
    await page.getByRole('region', { name: 'Versions' }).getByText('Version 1').waitFor()
    expect(await page.getByRole('button', { name: /Save|Archive|Start a change/ }).count()).toBe(0)
  },
  60_000,
)
