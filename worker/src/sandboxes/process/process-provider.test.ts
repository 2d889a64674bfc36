import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startGitServer } from '@longhaul/core/testing/git-server.ts'
import { afterAll, expect, test } from 'vitest'
import { describeTools } from '../../tools/tools.contract.ts'
import { readArchiveFile } from '../../workspace/read-archive-file.ts'
import { GitCloneError } from '../git/git-source.ts'
import { describeSandboxes } from '../sandbox.contract.ts'
import { ProcessProvider } from './process-provider.ts'

const roots: string[] = []
const open = async () => {
  // Not below a temporary folder of the tests' own, which other users may not enter.
  const root = await mkdtemp(join('/var/tmp', 'longhaul-process-'))
  roots.push(root)
  await chmod(root, 0o711)
  return new ProcessProvider({ root, git: { allowedPrivateHosts: [], caFile: null } })
}

afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true })
})

describeSandboxes('process', { image: 'none', open })
describeTools('process', { image: 'none', open })

test("a repository is cloned at the address that was checked, without the worker's environment, and nothing stays behind", async () => {
  const server = await startGitServer(['git.test'])
  const { head } = await server.addRepository('project', { 'README.md': 'hello\n' })
  const root = await mkdtemp(join('/var/tmp', 'longhaul-process-'))
  roots.push(root)
  await chmod(root, 0o711)
  const git = { allowedPrivateHosts: ['git.test'], caFile: server.caFile, lookup: async () => [{ address: '127.0.0.1', family: 4 }] }
  const source = { url: `https://git.test:${server.port}/project.git`, commit: head, tenantId: 't', sessionId: 's' }
  const never = new AbortController().signal
  const provider = new ProcessProvider({ root, git })
  expect(String(await readArchiveFile(await provider.cloneGit(source, never), 'README.md', 100))).toBe('hello\n')
  while ((await provider.list()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  await expect(provider.cloneGit({ ...source, commit: '0'.repeat(40) }, never)).rejects.toThrow(GitCloneError)
  await expect(new ProcessProvider({ root, git: { ...git, allowedPrivateHosts: [] } }).cloneGit(source, never)).rejects.toThrow(
    'not on the public internet',
  )
  expect(await provider.list()).toEqual([])
  await server.stop()
})
