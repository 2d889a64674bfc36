// A session taken back from its page, and what differs: between two points of its way, and between two sessions that have parted.
import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { waitForSession } from '../wait-for-session.ts'
import { findFaults, widerThanItsScreen } from './find-faults.ts'
import { useConsole } from './use-console.ts'

const bash = (text: string, command: string): Step => ({ text, toolCalls: [{ name: 'bash', input: { command } }] })

const scene = useConsole({
  session: { title: 'Go and come back', prompt: 'Begin. [[script:begin]]' },
  scripts: {
    begin: [bash('I begin.', 'printf "one\\ntwo\\n" >a.txt; echo kept >kept.txt'), { text: 'I have begun.' }],
    spoil: [bash('I change it.', 'printf "one\\nspoilt\\n" >a.txt; rm kept.txt'), { text: 'I have spoilt it.' }],
    other: [bash('Another way.', 'echo other >other.txt'), { text: 'I went another way.' }],
    long: [bash('This takes a while.', 'sleep 10'), { text: 'Done.' }],
  },
})

const send = (text: string) =>
  scene.platform.get(scene.customer.memberKey, 'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { session { id } } }', {
    input: { sessionId: scene.sessionId, text },
  })
const headOf = async (): Promise<number> => {
  const query = 'query ($id: ID!) { session(id: $id) { head } }'
  return (await scene.platform.get<{ session: { head: number } }>(scene.customer.memberKey, query, { id: scene.sessionId })).session.head
}
const rest = (after = 0) => waitForSession(scene.platform, { key: scene.customer.memberKey, id: scene.sessionId, status: ['IDLE'], after })
const takeCheckpoint = (label: string) =>
  scene.platform.get(
    scene.customer.memberKey,
    'mutation ($input: CreateCheckpointInput!) { createCheckpoint(input: $input) { checkpoint { id } } }',
    {
      input: { sessionId: scene.sessionId, label },
    },
  )

beforeAll(async () => {
  const createAgent = 'mutation { createAgent(input: {name: "Careful", model: "claude-haiku-5-5"}) { agent { id } } }'
  await scene.platform.get(scene.customer.adminKey, createAgent)
  await takeCheckpoint('good')
  const head = await headOf()
  await send('Spoil it. [[script:spoil]]')
  await rest(head)
  await takeCheckpoint('spoilt')
}, 60_000)

const openCheckpoints = async (options = {}): Promise<{ page: Page; faults: string[] }> => {
  const opened = await scene.openAs(scene.customer.memberKey, `/sessions/${scene.sessionId}?view=checkpoints`, options)
  await opened.page.getByRole('button', { name: 'Rewind to good' }).waitFor()
  return opened
}

it('what has changed since a checkpoint is shown file by file, until now or until a later one', async () => {
  const { page, faults } = await openCheckpoints()
  await page.getByRole('button', { name: 'Changes since good' }).click()
  const changes = page.getByRole('region', { name: 'Changes since good' })
  await changes.getByText('2 files differ:').waitFor()
  await changes.getByRole('button', { name: /kept\.txt deleted/ }).waitFor()
  await changes.getByRole('button', { name: /a\.txt modified/ }).click()
  await changes.locator('.diff-block [data-sign="-"]').getByText('two').waitFor()
  await changes.locator('.diff-block [data-sign="+"]').getByText('spoilt').waitFor()
  expect(await findFaults(page)).toEqual([])
  const until = changes.getByLabel('Changes until')
  await until.selectOption(await until.getByRole('option', { name: /^spoilt/ }).getAttribute('value'))
  await changes.getByText('2 files differ:').waitFor()
  expect(faults).toEqual([])
}, 60_000)

it('two sessions side by side tell where they parted, and which of their files differ', async () => {
  const { page, faults } = await openCheckpoints({ colorScheme: 'dark', viewport: { width: 390, height: 800 } })
  await page.getByRole('button', { name: 'Fork from good' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Remove fork 2' }).click()
  await dialog.getByLabel('Prompt').fill('Go another way. [[script:other]]')
  await dialog.getByLabel('Title').fill('Another way')
  await dialog.getByLabel('Agent').selectOption({ label: 'Careful v1, claude-haiku-5-5' })
  expect(await findFaults(page)).toEqual([])
  expect(await widerThanItsScreen(page)).toBe(false)
  await dialog.getByRole('button', { name: 'Make the fork' }).click()
  const fork = page.locator('.fork').filter({ hasText: 'Another way' })
  await fork.getByRole('link', { name: 'Compare' }).click()
  await page.getByText('They parted at good of').waitFor()
  await page.getByRole('row', { name: /^Tool calls 2 1$/ }).waitFor()
  await page.getByRole('row', { name: 'Agent Repairer v1, claude-sonnet-5-5 Careful v1, claude-haiku-5-5' }).waitFor()
  await page.getByRole('button', { name: 'Compare the files' }).click()
  const files = page.getByRole('region', { name: 'Files' })
  await files.getByRole('button', { name: /other\.txt added/ }).click()
  await files.locator('.diff-block').getByText('other').waitFor()
  await files.getByText('3 files differ:').waitFor()
  expect(await findFaults(page)).toEqual([])
  expect(await widerThanItsScreen(page)).toBe(false)
  expect(faults).toEqual([])
}, 60_000)

it('a member takes the session back once it rests, told what it does and why not before, and the timeline tells of it', async () => {
  await send('Work on. [[script:long]]')
  await waitForSession(scene.platform, { key: scene.customer.memberKey, id: scene.sessionId, status: ['RUNNING'] })
  const { page, faults } = await openCheckpoints()
  // By keyboard alone.
  await page.getByRole('button', { name: 'Rewind to good' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Rewind to good' })
  await dialog.getByText('Nothing is erased').waitFor()
  expect(await findFaults(page)).toEqual([])
  await dialog.getByRole('button', { name: 'Rewind', exact: true }).press('Enter')
  await dialog.getByText('is RUNNING: pause it first').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.locator('.session-now').getByText('paused').waitFor()
  await page.getByRole('button', { name: 'Rewind to good' }).press('Enter')
  await dialog.getByRole('radio', { name: 'Files' }).press('Space')
  await dialog.getByText('is told that its files are older').waitFor()
  await dialog.getByRole('button', { name: 'Rewind', exact: true }).press('Enter')
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('tab', { name: 'Timeline' }).click()
  await page.locator('.mark').getByText('rewound').waitFor()
  await page.getByText(/^the files are as at good, event \d+; nothing is erased$/).waitFor()
  await page.getByRole('tab', { name: 'Files' }).click()
  await page.getByRole('button', { name: /^kept\.txt/ }).waitFor()
  expect(faults).toEqual([])
  await scene.platform.scene.expectClean()
}, 60_000)
