// Files in and out of a session as people move them: chosen or dropped in the browser, and saved by it.
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import type { Download, Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { findFaults, widerThanItsScreen } from './find-faults.ts'
import { useConsole } from './use-console.ts'

const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const scene = useConsole({
  session: { title: 'Files', prompt: 'Make. [[script:make]]' },
  scripts: {
    make: [bash('mkdir -p "my data" && printf "1,2\\n" >"my data/ä #1.csv" && ln -s /etc/passwd "my data/leak"'), { text: 'Made.' }],
    look: [bash('sha256sum big.bin "my data/note.txt"'), { text: 'Looked.' }],
  },
})

const openFiles = async (key: string, options = {}): Promise<{ page: Page; faults: string[] }> => {
  const opened = await scene.openAs(key, `/sessions/${scene.sessionId}?view=files`, options)
  await opened.page.getByRole('button', { name: 'my data/' }).waitFor()
  return opened
}

const saved = async (page: Page, press: () => Promise<void>): Promise<{ name: string; bytes: Buffer; download: Download }> => {
  const [download] = await Promise.all([page.waitForEvent('download'), press()])
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()), download }
}

it('a viewer saves a file and a folder under their names, and is offered no upload', async () => {
  const { page, faults } = await openFiles(scene.customer.viewerKey)
  await page.getByRole('button', { name: 'my data/' }).click()
  await page.getByRole('button', { name: /^ä #1\.csv/ }).click()
  const file = await saved(page, () => page.getByRole('button', { name: '↓ Download', exact: true }).click())
  expect(file).toMatchObject({ name: 'ä #1.csv', bytes: Buffer.from('1,2\n') })
  const folder = await saved(page, () => page.getByRole('button', { name: 'Download the folder my data' }).press('Enter'))
  expect(folder.name).toBe('my data.tar.gz')
  expect(gunzipSync(folder.bytes).toString('latin1')).toContain('1,2\n')
  await page.getByText('Saved; one link or device was left out.').waitFor()
  // What is saved goes through the page: the key stands in no address.
  expect(file.download.url()).toMatch(/^blob:/)
  expect(await page.getByRole('button', { name: /Upload/ }).count()).toBe(0)
  expect(faults).toEqual([])
}, 60_000)

it('what a member drops or chooses arrives, a large file in pieces that go on after a lost connection', async () => {
  const { page, faults } = await openFiles(scene.customer.memberKey, { colorScheme: 'dark', viewport: { width: 390, height: 800 } })
  const note = await page.evaluateHandle(
    "(() => { const it = new DataTransfer(); it.items.add(new File(['dropped'], 'note.txt')); return it })()",
  )
  for (const type of ['dragover', 'drop'])
    await page.locator('.files-row').filter({ hasText: 'my data/' }).dispatchEvent(type, { dataTransfer: note })
  const transfers = page.getByRole('list', { name: 'Uploads and downloads' })
  await transfers.getByText('Sent. The agent finds it').waitFor()

  const big = randomBytes(7_000_000)
  let pieces = 0
  await page.route('**/uploads/upl_*', async (route) => {
    if (route.request().method() === 'PATCH' && ++pieces === 2) await route.abort('connectionreset')
    else await route.continue()
  })
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Upload files into /workspace' }).press('Enter'),
  ])
  await chooser.setFiles({ name: 'big.bin', mimeType: 'application/octet-stream', buffer: big })
  await transfers.getByText('The connection is lost.').waitFor()
  await transfers.getByRole('progressbar', { name: 'Upload of big.bin' }).waitFor()
  expect(await findFaults(page)).toEqual([])
  await expect.poll(() => transfers.getByText('Sent. The agent finds it').count(), { timeout: 30_000 }).toBe(2)
  expect(await findFaults(page)).toEqual([])
  expect(await widerThanItsScreen(page)).toBe(false)

  // They are there for who looks at something else meanwhile.
  await page.getByRole('tab', { name: 'Timeline' }).click()
  await page.getByText('/workspace/my data/note.txt, 7 B').waitFor()
  await page.getByLabel('Message to the agent').fill('Look. [[script:look]]')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('Looked.').waitFor()
  await page.getByText('2 uploads are in the sandbox').waitFor()
  await page.getByRole('button', { name: /sha256sum/ }).click()
  await page.getByText(digest(big)).waitFor()
  await page.getByText(digest(Buffer.from('dropped'))).waitFor()
  await page.getByRole('tab', { name: 'Files' }).click()
  await transfers.getByRole('button', { name: 'Dismiss big.bin' }).click()
  expect(await transfers.getByRole('listitem').count()).toBe(1)
  expect(faults).toEqual([])
}, 60_000)

it('a refusal is shown in the words of the api, and what failed is tried again', async () => {
  await scene.platform.get(
    scene.customer.memberKey,
    'mutation ($input: CancelSessionInput!) { cancelSession(input: $input) { session { id } } }',
    {
      input: { sessionId: scene.sessionId },
    },
  )
  const { page } = await openFiles(scene.customer.memberKey)
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Upload files into my data' }).press('Enter'),
  ])
  await chooser.setFiles({ name: 'late.txt', mimeType: 'text/plain', buffer: Buffer.from('late') })
  await page.getByText(/is CANCELED/).waitFor()
  await page.getByRole('button', { name: 'Try late.txt again' }).click()
  await page.getByText(/is CANCELED/).waitFor()
}, 60_000)
