import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { describeTools } from '../../tools/tools.contract.ts'
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
