// `npm run setup`: installs and starts what tests and sandboxes need beyond npm's packages, on Debian and Ubuntu.
import { join, resolve } from 'node:path'
import { startEngine } from './machine/engine.ts'
import { findInstaller, installPackages } from './machine/install-packages.ts'
import { findMissing, hasCommand } from './machine/parts.ts'

const say = (line: string) => process.stderr.write(`${line}\n`)
const logFile = join(resolve(process.env.DATA_DIR ?? '.longhaul'), 'logs', 'dockerd.log')

const missing = await findMissing()
const installer = findInstaller()
// An engine that is installed but does not run needs no package.
const packages = missing.filter(({ name }) => !(name === 'Docker engine' && hasCommand('dockerd'))).flatMap((part) => part.packages)
if (packages.length > 0 && !installer) {
  say(
    `this is not Debian or Ubuntu, or there is no right to install: please install ${missing.map(({ name }) => name).join(', ')} yourself`,
  )
  process.exit(1)
}
try {
  if (packages.length > 0 && installer) await installPackages(installer, packages, say)
  if (missing.some(({ name }) => name === 'Docker engine')) await startEngine({ logFile, onProgress: say })
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exit(1)
}
const left = await findMissing()
for (const { name, neededBy } of left)
  say(`still missing: ${name}, needed by ${neededBy}${name === 'Docker engine' ? ` (see ${logFile})` : ''}`)
if (left.length > 0) process.exit(1)
say('everything is here')
process.exit(0)
