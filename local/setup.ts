// `npm run setup`: installs and starts what tests and sandboxes need beyond npm's packages, on Debian and Ubuntu.
import { join, resolve } from 'node:path'
import { installMissing } from './machine/install-missing.ts'
import { findMissing } from './machine/parts.ts'

const say = (line: string) => process.stderr.write(`${line}\n`)
const engineLog = join(resolve(process.env.DATA_DIR ?? '.longhaul'), 'logs', 'dockerd.log')

try {
  const left = await installMissing({ missing: await findMissing(), engineLog, onProgress: say })
  for (const { name, neededBy } of left)
    say(`still missing: ${name}, needed by ${neededBy}${name === 'Docker engine' ? ` (see ${engineLog})` : ''}`)
  if (left.length > 0) process.exit(1)
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exit(1)
}
say('everything is here')
process.exit(0)
