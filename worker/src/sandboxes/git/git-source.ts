/**
 * How the platform clones a repository: in a place without secrets, from an address it has checked itself.
 * Owns the script and its arguments. Never clones on behalf of the agent: sandboxes have no network.
 */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type Lookup, resolveChecked } from '@longhaul/core/src/sessions/check-address.ts'
import { parseGitUrl } from '@longhaul/core/src/sessions/git-url.ts'

export type GitSource = { url: string; commit: string; tenantId: string; sessionId: string }
export type GitSettings = {
  /** GIT_ALLOWED_PRIVATE_HOSTS */
  allowedPrivateHosts: readonly string[]
  /** GIT_CA_FILE: trusted besides the public certificates. */
  caFile: string | null
  lookup?: Lookup
}
/** The repository can't be had: the address, the commit, its size. The message may be shown to the session's people. */
export class GitCloneError extends Error {}

export const cloneScript = readFileSync(new URL('./clone.sh', import.meta.url), 'utf8')
export const cloneTimeoutMs = 5 * 60_000
export const maxCloneKb = 2_000_000

/** The script's arguments, after the address was resolved and checked; git is pinned to it. */
export const toCloneArguments = async ({ url, commit }: GitSource, settings: GitSettings, caPath: string | null): Promise<string[]> => {
  const parsed = parseGitUrl(url)
  if (!parsed) throw new GitCloneError(`${JSON.stringify(url.slice(0, 200))} is no https address of a git repository.`)
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new GitCloneError(`${JSON.stringify(commit.slice(0, 100))} is no full commit hash.`)
  const checked = await resolveChecked(parsed.hostname, settings.allowedPrivateHosts, settings.lookup)
  if (!checked.ok) throw new GitCloneError(checked.message)
  const host = parsed.hostname.replace(/\.$/, '')
  const address = checked.family === 6 ? `[${checked.address}]` : checked.address
  const pin = isIP(host.replace(/^\[|\]$/g, '')) ? '' : `${parsed.hostname}:${parsed.port || '443'}:${address}`
  return [parsed.href, commit, pin, caPath ?? '', String(maxCloneKb)]
}

export const toCloneFailure = (url: string, exitCode: number | null, output: string): GitCloneError => {
  if (exitCode === null) return new GitCloneError(`${url} could not be cloned within ${cloneTimeoutMs / 1000} seconds.`)
  return new GitCloneError(`${url} could not be cloned: ${output.trim().slice(-500) || `git ended with ${exitCode}`}`)
}
