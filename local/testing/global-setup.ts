// Before any test: what a machine lacks for them. As root with no terminal to ask at, and in CI, it is installed; in CI nothing runs until
// all is there. On a person's machine one line for each part says how to get it, and the tests that need it then fail for that reason.
import { join } from 'node:path'
import { TEST_POSTGRES } from '@longhaul/core/testing/database.ts'
import { startTemplateDatabase } from '@longhaul/core/testing/template-database.ts'
import Docker from 'dockerode'
import { installMissing } from '../machine/install-missing.ts'
import { findMissing, type Part } from '../machine/parts.ts'
import { ensureSandboxImage } from '../sandbox-image/ensure-sandbox-image.ts'

const say = (line: string) => process.stderr.write(`${line}\n`)

export async function setup(): Promise<() => Promise<void>> {
  const missing = await findMissingAfterInstalling()
  const lines = missing.map(
    ({ name, neededBy }) => `missing: ${name}, needed by ${neededBy}: \`npm run setup\` gets it on Debian and Ubuntu`,
  )
  if (lines.length > 0 && process.env.CI) throw new Error(lines.join('\n'))
  for (const line of lines) say(line)
  if (!missing.some(({ name }) => name.includes('Docker'))) {
    process.env.SANDBOX_IMAGE = await ensureSandboxImage({ docker: new Docker(), onProgress: say })
  }
  const postgres = await startTemplateDatabase()
  process.env[TEST_POSTGRES] = postgres.superuserUrl
  return postgres.stop
}

async function findMissingAfterInstalling(): Promise<Part[]> {
  const missing = await findMissing()
  const isAlone = process.getuid?.() === 0 && !process.stdin.isTTY
  if (missing.length === 0 || !(process.env.CI || isAlone)) return missing
  say(`these are missing, and are installed now: ${missing.map(({ name, neededBy }) => `${name} (${neededBy})`).join(', ')}`)
  const engineLog = join(process.cwd(), '.longhaul', 'logs', 'dockerd.log')
  try {
    return await installMissing({ missing, engineLog, onProgress: say })
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    return missing
  }
}
