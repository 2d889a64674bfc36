// A session that runs and rests, steered from its page: read while it goes on, given conditions, waived, judged, paid for, forked.
import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { waitForSession } from '../wait-for-session.ts'
import { makeSession } from './make-customer.ts'
import { useConsole } from './use-console.ts'

const bash = (text: string, command: string): Step => ({ text, toolCalls: [{ name: 'bash', input: { command } }] })
const thoughts = Array.from({ length: 14 }, (_, index) =>
  bash(`Thought ${index}.\n\n- one side of it\n- the other side of it\n`, 'echo kept >notes.txt'),
)

const ways = ['one', 'two'].map((way) => [way, [bash(`This way is ${way}.`, `echo ${way} >result.txt`), { text: 'Arrived.' }]])

const scene = useConsole({
  session: { title: 'Think first', prompt: 'Think. [[script:think]]' },
  scripts: {
    think: [...thoughts, { text: 'I have thought.' }],
    more: [...thoughts.slice(0, 3), { text: 'More thoughts.' }],
    stuck: [bash('I wait for what never comes.', 'sleep 600')],
    stop: [{ text: 'I have stopped.' }],
    ...Object.fromEntries(ways),
  },
})

const openAs = async (key: string, query = ''): Promise<{ page: Page; faults: string[] }> => {
  const opened = await scene.openAs(key, `/sessions/${scene.sessionId}${query}`)
  await opened.page.getByRole('heading', { name: 'Think first' }).waitFor()
  return opened
}

const headOf = async (id: string): Promise<number> =>
  (
    await scene.platform.get<{ session: { head: number } }>(scene.customer.memberKey, 'query ($id: ID!) { session(id: $id) { head } }', {
      id,
    })
  ).session.head

/** How far below the top of the log it stands: what is above the log may come and go. */
const placeOf = async (page: Page, row: Locator): Promise<number> => {
  const [log, box] = [await page.getByRole('log').boundingBox(), await row.boundingBox()]
  if (log === null || box === null) throw new Error('it is not on the page')
  return box.y - log.y
}

it('what one reads stays where it is while more comes, and “Latest” leads to the end, which is followed from then on', async () => {
  const { page, faults } = await openAs(scene.customer.memberKey)
  await page.getByText('I have thought.').waitFor()
  const latest = page.getByRole('button', { name: 'Latest' })
  expect(await latest.count()).toBe(0)
  await page.getByRole('log').hover()
  await page.mouse.wheel(0, -700)
  await latest.waitFor()
  const seen = page
    .locator('.answer')
    .filter({ hasText: /Thought 1\d\./ })
    .first()
  const read = page.locator('.answer').filter({ hasText: (await seen.textContent()) ?? '' })
  const head = await headOf(scene.sessionId)
  const before = await placeOf(page, read)
  await scene.platform.get(
    scene.customer.memberKey,
    'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { session { id } } }',
    {
      input: { sessionId: scene.sessionId, text: 'Go on. [[script:more]]' },
    },
  )
  await waitForSession(scene.platform, { key: scene.customer.memberKey, id: scene.sessionId, status: ['IDLE'], after: head })
  await page.getByText(`${await headOf(scene.sessionId)} events`).waitFor()
  expect(await placeOf(page, read)).toBeCloseTo(before, 0)
  await latest.click()
  await page.getByText('More thoughts.').waitFor()
  await latest.waitFor({ state: 'detached' })
  // Unfolded, the last call stays where it was clicked; what stands above the log has come to rest by then.
  await page.getByRole('region', { name: 'Details' }).getByText('19', { exact: true }).waitFor()
  await page.getByText('Needs you.').waitFor()
  const last = page.locator('.tool .fold').last()
  const place = await placeOf(page, last)
  await last.click()
  await page.locator('.fold-body').waitFor()
  expect(await placeOf(page, last)).toBeCloseTo(place, 0)
  expect(faults).toEqual([])
}, 60_000)

it('the list says who needs a person and for what, and who works is interrupted by a message', async () => {
  const { platform, customer } = scene
  const stuck = await makeSession(platform, customer, { prompt: 'Wait for it. [[script:stuck]]', budgetUsd: '1' })
  const { page, faults } = await scene.openAs(customer.memberKey, '/')
  await page
    .getByRole('row', { name: /Think first/ })
    .getByText('Needs you waits for a message')
    .waitFor()
  await page
    .getByRole('row', { name: /Wait for it/ })
    .getByText('sleep 600')
    .waitFor()
  await page.getByRole('link', { name: 'Wait for it. [[script:stuck]]' }).click()
  await page.getByRole('heading', { name: 'Wait for it. [[script:stuck]]' }).waitFor()
  const modes = page.getByRole('group', { name: 'When it is read' })
  await modes.getByText('Interrupt').click()
  await page.getByLabel('Message to the agent').fill('Stop that. [[script:stop]]')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('I have stopped.').waitFor()
  // At rest there is nothing that a message could wait for, or stop.
  await modes.waitFor({ state: 'detached' })
  await waitForSession(platform, { key: customer.memberKey, id: stuck, status: ['IDLE'] })
  expect(faults).toEqual([])
}, 60_000)

it('a member takes a checkpoint by hand, goes on from it in two ways, and sees both side by side', async () => {
  const { page, faults } = await openAs(scene.customer.memberKey)
  await page.getByRole('tab', { name: 'Checkpoints' }).click()
  await page.getByRole('button', { name: 'Take a checkpoint …' }).click()
  await page.getByLabel('Label').fill('before the decision')
  await page.getByRole('button', { name: 'Take it' }).click()
  const point = page.locator('.checkpoint').filter({ hasText: 'before the decision' })
  await point.getByRole('button', { name: 'Fork from before the decision' }).click()
  const dialog = page.getByRole('dialog')
  for (const [index, way] of ['one', 'two'].entries()) {
    await dialog.getByLabel('Prompt').nth(index).fill(`Go this way. [[script:${way}]]`)
    await dialog.getByLabel('Title').nth(index).fill(`Way ${way}`)
  }
  await dialog.getByLabel('Budget').nth(1).fill('lots')
  await dialog.getByRole('button', { name: 'Make 2 forks' }).click()
  await dialog.getByText(/^Must be/).waitFor()
  await dialog.getByLabel('Budget').nth(1).fill('0.25')
  await dialog.getByRole('button', { name: 'Make 2 forks' }).click()
  await dialog.waitFor({ state: 'detached' })
  await point.getByRole('link', { name: 'Way one' }).waitFor()
  await point.getByRole('link', { name: 'Way two' }).click()

  await page.getByRole('heading', { name: 'Way two' }).waitFor()
  await page.getByText('This way is two.').waitFor()
  await page.getByText('of $0.25').first().waitFor()
  await page.getByRole('tab', { name: 'Checkpoints' }).click()
  await page.getByText('Forked from Think first at before the decision').waitFor()
  await page.getByRole('link', { name: 'Compare with it' }).click()
  const table = page.getByRole('table', { name: 'Two sessions side by side' })
  await table.getByRole('link', { name: 'Way two' }).waitFor()
  await table.getByRole('row', { name: /^Tool calls 17 1$/ }).waitFor()
  // The browser itself tells of each answer that is a 400.
  expect(faults.filter((fault) => !fault.includes('status of 400'))).toEqual([])
}, 60_000)

it('an admin raises the cap, adds conditions to a session that exists, waives one with a reason and has the other judged', async () => {
  const { page, faults } = await openAs(scene.customer.adminKey)
  await page.getByRole('button', { name: 'Set the cap …' }).click()
  await page.getByLabel('Lifetime cap').fill('plenty')
  await page.getByRole('button', { name: 'Set the cap', exact: true }).click()
  await page.getByText(/^Must be/).waitFor()
  await page.getByLabel('Lifetime cap').fill('2.50')
  await page.getByRole('button', { name: 'Set the cap', exact: true }).click()
  await page.locator('.session-head').getByText('of $2.50').waitFor()

  const conditions = page.getByRole('region', { name: 'Conditions' })
  const add = async (fill: (dialog: Locator) => Promise<void>) => {
    await conditions.getByRole('button', { name: 'Add a condition …' }).click()
    const dialog = page.getByRole('dialog')
    await fill(dialog)
    await dialog.getByRole('button', { name: 'Add the condition' }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  await add(async (dialog) => {
    await dialog.getByLabel('Name').fill('notes are kept')
    await dialog.getByLabel('Command', { exact: true }).last().fill('grep -q kept notes.txt')
  })
  await conditions.getByText('notes are kept').waitFor()
  await add(async (dialog) => {
    await dialog.getByText('File', { exact: true }).click()
    await dialog.getByLabel('Name').fill('notes are kept')
    await dialog.getByText('Another condition has this name.').waitFor()
    await dialog.getByLabel('Name').fill('a report')
    await dialog.getByLabel('File', { exact: true }).last().fill('../report.md')
    await dialog.getByText('A path below /workspace').waitFor()
    await dialog.getByLabel('File', { exact: true }).last().fill('report.md')
  })
  await conditions.getByText('a report').click()
  await conditions.getByRole('button', { name: 'Waive …' }).last().click()
  await page.getByLabel('Reason').fill('Nobody reads it')
  await page.getByRole('button', { name: 'Waive', exact: true }).click()
  await conditions.getByText('waived').waitFor()
  await page.locator('.mark').getByText('Nobody reads it').waitFor()
  await conditions.getByRole('button', { name: 'Evaluate now' }).click()
  await conditions.getByText('satisfied', { exact: true }).waitFor()
  await page.locator('.session-now').getByText('completed').waitFor()
  expect(faults.filter((fault) => !fault.includes('status of 400'))).toEqual([])
  await scene.platform.scene.expectClean()
}, 60_000)

describe.each([
  { who: 'a viewer', key: () => scene.customer.viewerKey, offered: [] },
  { who: 'the operator', key: () => scene.platform.operatorKey, offered: ['Set the cap …'] },
])('$who', ({ key, offered }) => {
  it('sees the whole session, and is offered no more than their role may do', async () => {
    const { page } = await openAs(key(), '?view=checkpoints')
    await page.getByRole('link', { name: 'Way one' }).waitFor()
    const buttons = page.locator('.session').getByRole('button', {
      name: /^(Pause|Resume|Cancel|Send|Add a condition …|Evaluate now|Waive …|Set the cap …|Take a checkpoint …|Fork from .*|Rewind .*)$/,
    })
    expect(await buttons.allTextContents()).toEqual(offered)
  }, 60_000)
})
