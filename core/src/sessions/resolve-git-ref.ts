import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { rootCertificates } from 'node:tls'
import { type Lookup, resolveChecked } from './check-address.ts'
import { isGitRef, parseGitUrl } from './git-url.ts'

export type GitAccess = {
  /** GIT_ALLOWED_PRIVATE_HOSTS */
  allowedPrivateHosts: readonly string[]
  /** GIT_CA_FILE: certificates trusted besides the public ones. */
  caFile: string | null
  timeoutMs?: number
  lookup?: Lookup
}
export type ResolvedGitRef =
  | { ok: true; commit: string }
  | { ok: false; reason: 'BAD_URL' | 'BAD_REF' | 'ADDRESS_REFUSED' | 'UNREACHABLE' | 'NOT_A_REPOSITORY' | 'REF_NOT_FOUND'; message: string }
type Failure = Extract<ResolvedGitRef, { ok: false }>

const defaultTimeoutMs = 10_000
const maxAnswerBytes = 5_000_000

/** The commit that a branch, tag or the default branch (null) is at now. A full commit is taken as it is: only cloning can tell whether it exists. */
export const resolveGitRef = async ({ url, ref }: { url: string; ref: string | null }, access: GitAccess): Promise<ResolvedGitRef> => {
  const parsed = parseGitUrl(url)
  if (!parsed) return fail('BAD_URL', 'A git address begins with https:// and holds no user name, password, query or fragment.')
  if (ref !== null && !isGitRef(ref)) return fail('BAD_REF', `${JSON.stringify(ref.slice(0, 100))} is no name of a branch, tag or commit.`)
  if (ref !== null && /^[0-9a-f]{40}$/.test(ref)) return { ok: true, commit: ref }
  const checked = await resolveChecked(parsed.hostname, access.allowedPrivateHosts, access.lookup)
  if (!checked.ok) return checked
  try {
    const refs = await fetchRefs(parsed, checked, access)
    if ('reason' in refs) return refs
    const commit = findCommit(refs, ref)
    return commit
      ? { ok: true, commit }
      : fail('REF_NOT_FOUND', `${url} has no ${ref === null ? 'default branch' : `branch or tag ${JSON.stringify(ref)}`}.`)
  } catch (error) {
    return fail(
      'UNREACHABLE',
      `${parsed.host} could not be asked for its branches: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

const fail = (reason: Failure['reason'], message: string): Failure => ({ ok: false, reason, message })

/** Source: gitprotocol-http(5), "Smart Clients". Connects to the address that was checked, follows no redirect. */
const fetchRefs = async (
  url: URL,
  { address, family }: { address: string; family: number },
  access: GitAccess,
): Promise<Map<string, string> | Failure> => {
  const signal = AbortSignal.timeout(access.timeoutMs ?? defaultTimeoutMs)
  const target = new URL(`${url.href.replace(/\/$/, '')}/info/refs?service=git-upload-pack`)
  const ca = access.caFile ? [...rootCertificates, await readFile(access.caFile, 'utf8')] : undefined
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const asked = request(target, {
    agent: false,
    ca,
    signal,
    headers: { 'user-agent': 'git/2.0 (longhaul)', accept: '*/*' },
    lookup: (_host, options, callback) => (options.all ? callback(null, [{ address, family }]) : callback(null, address, family)),
  })
  asked.on('response', resolve).on('error', reject).end()
  const answer = await promise
  try {
    const status = answer.statusCode ?? 0
    if (status >= 300 && status < 400)
      return fail('NOT_A_REPOSITORY', `${url.href} answers with a redirect, which is not followed. Name the repository's own address.`)
    if (status === 401 || status === 403 || status === 404) return fail('NOT_A_REPOSITORY', `${url.href} is no public git repository.`)
    if (status !== 200) return fail('UNREACHABLE', `${url.host} answers with HTTP ${status}.`)
    if (answer.headers['content-type'] !== 'application/x-git-upload-pack-advertisement')
      return fail('NOT_A_REPOSITORY', `${url.href} does not speak git's smart protocol.`)
    const body = await readBounded(answer)
    return (
      (body && parseAdvertisement(body)) ??
      fail('NOT_A_REPOSITORY', `${url.href} answers with a list of refs that is malformed or over 5 MB.`)
    )
  } finally {
    answer.destroy()
  }
}

const readBounded = async (answer: IncomingMessage): Promise<Buffer | null> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length
    if (bytes > maxAnswerBytes) return null
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

/** Source: gitprotocol-pack(5), "Reference Discovery": pkt-lines `<hash> <name>`, the first with capabilities after a NUL. */
export const parseAdvertisement = (body: Buffer): Map<string, string> | null => {
  const refs = new Map<string, string>()
  for (let at = 0; at < body.length; ) {
    const digits = body.toString('latin1', at, at + 4)
    if (!/^[0-9a-f]{4}$/i.test(digits)) return null
    const length = Number.parseInt(digits, 16)
    if (length > 0 && (length < 4 || at + length > body.length)) return null
    const line = body.toString('utf8', at + 4, at + Math.max(4, length)).split('\0', 1)[0] ?? ''
    const match = /^([0-9a-f]{40}) (\S+)\n?$/.exec(line)
    if (match?.[1] && match[2]) refs.set(match[2], match[1])
    at += Math.max(4, length)
  }
  return refs
}

/** A tag object's own hash is no commit: what it points to is listed under `^{}`. */
const findCommit = (refs: Map<string, string>, ref: string | null): string | null => {
  const names = ref === null ? ['HEAD'] : [`refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`, `${ref}^{}`, ref]
  for (const name of names) {
    const commit = refs.get(name)
    if (commit) return commit
  }
  return null
}
