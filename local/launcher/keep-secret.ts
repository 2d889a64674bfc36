// Secrets of this machine: made once, kept in files only the user can read.
import { randomBytes } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'

/** The secret in `file`, made when there is none. */
export async function keepSecret(file: string, make: () => string = () => randomBytes(32).toString('base64url')): Promise<string> {
  const known = (await readFile(file, 'utf8').catch(() => '')).trim() // not there yet
  if (known) {
    await chmod(file, 0o600)
    return known
  }
  const secret = make()
  await writeFile(file, `${secret}\n`, { mode: 0o600 })
  return secret
}
