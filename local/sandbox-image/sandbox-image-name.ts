/**
 * The default image that agents' sandboxes are made from. Owns its contents and its name; never touches an image of the user's.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const inputs = ['Dockerfile', 'packages.txt', 'set-up.sh']

/** `longhaul-sandbox:<hash of what it is built from>`: a changed recipe is a new image, and sessions on the old one keep theirs. */
export const sandboxImageName = (): string => {
  const hash = createHash('sha256')
  for (const name of inputs) hash.update(`${name}\0`).update(readFileSync(new URL(name, import.meta.url)))
  return `longhaul-sandbox:${hash.digest('hex').slice(0, 12)}`
}
