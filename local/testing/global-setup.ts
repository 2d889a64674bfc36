// Before any test: says in one line for each part that is missing how to get it. On a person's machine the tests that need it then
// fail for that reason; in CI nothing runs until it is there.
import { TEST_POSTGRES } from '@longhaul/core/testing/database.ts'
import { startTemplateDatabase } from '@longhaul/core/testing/template-database.ts'
import Docker from 'dockerode'
import { findMissing } from '../machine/parts.ts'
import { ensureSandboxImage } from '../sandbox-image/ensure-sandbox-image.ts'

export async function setup(): Promise<() => Promise<void>> {
  const missing = await findMissing()
  const lines = missing.map(
    ({ name, neededBy }) => `missing: ${name}, needed by ${neededBy}: \`npm run setup\` gets it on Debian and Ubuntu`,
  )
  if (lines.length > 0 && process.env.CI) throw new Error(lines.join('\n'))
  for (const line of lines) process.stderr.write(`${line}\n`)
  if (!missing.some(({ name }) => name.includes('Docker'))) {
    process.env.SANDBOX_IMAGE = await ensureSandboxImage({ docker: new Docker(), onProgress: (line) => process.stderr.write(`${line}\n`) })
  }
  const postgres = await startTemplateDatabase()
  process.env[TEST_POSTGRES] = postgres.superuserUrl
  return postgres.stop
}
