import { badInput } from '@longhaul/core/src/errors.ts'
import type { SessionResource } from '@longhaul/core/src/sessions/create-session.ts'
import { isGitRef, parseGitUrl } from '@longhaul/core/src/sessions/git-url.ts'
import { type GitAccess, resolveGitRef } from '@longhaul/core/src/sessions/resolve-git-ref.ts'
import type { FileResourceInput, GitResourceInput, ResourceInput } from '../../generated/resolver-types.ts'

export type ParsedResource =
  | { kind: 'FILE'; path: string; content: Buffer }
  | { kind: 'GIT'; path: string; url: string; ref: string | null; field: string }

const MAX_RESOURCES = 100
const MAX_PATH_BYTES = 1_024
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Paths are kept relative to /workspace; "." is the workspace itself. Throws BAD_USER_INPUT by the field's path. */
export const parseResources = (resources: readonly ResourceInput[], field: string): ParsedResource[] => {
  if (resources.length > MAX_RESOURCES) throw badInput(field, `at most ${MAX_RESOURCES} resources`)
  const seen = new Set<string>()
  return resources.map(({ file, git }, index) => {
    const at = `${field}.${index}.${file ? 'file' : 'git'}`
    const parsed = file ? parseFile(file, at) : parseGit(git as GitResourceInput, at)
    if (seen.has(parsed.path)) throw badInput(`${at}.path`, 'a path that no other resource has')
    seen.add(parsed.path)
    return parsed
  })
}

/** A branch or tag becomes the commit it is at now. Throws BAD_USER_INPUT where there is none. */
export const resolveResources = (resources: readonly ParsedResource[], access: GitAccess): Promise<SessionResource[]> =>
  Promise.all(
    resources.map(async (resource): Promise<SessionResource> => {
      if (resource.kind === 'FILE') return resource
      const { kind, path, url, ref, field } = resource
      const resolved = await resolveGitRef({ url, ref }, access)
      if (!resolved.ok)
        throw badInput(
          `${field}.${resolved.reason === 'REF_NOT_FOUND' ? 'ref' : 'url'}`,
          `something that can be cloned: ${resolved.message}`,
        )
      return { kind, path, url, ref, commit: resolved.commit }
    }),
  )

const parseFile = ({ path, text, base64 }: FileResourceInput, field: string): ParsedResource => {
  if ((text == null) === (base64 == null)) throw badInput(field, 'a path with exactly one of text and base64')
  const name = parsePath(path, `${field}.path`)
  if (name === '.') throw badInput(`${field}.path`, 'the path of a file below /workspace')
  if (text != null) {
    if (!text.isWellFormed()) throw badInput(`${field}.text`, 'well-formed Unicode; give other bytes as base64')
    return { kind: 'FILE', path: name, content: Buffer.from(text) }
  }
  if (!BASE64.test(base64 as string)) throw badInput(`${field}.base64`, 'base64 with its padding')
  return { kind: 'FILE', path: name, content: Buffer.from(base64 as string, 'base64') }
}

const parseGit = ({ path, url, ref = null }: GitResourceInput, field: string): ParsedResource => {
  if (parseGitUrl(url) === null) throw badInput(`${field}.url`, 'the https address of a git repository, without user, query or fragment')
  if (ref !== null && !isGitRef(ref)) throw badInput(`${field}.ref`, 'the name of a branch or tag, or a full commit')
  return { kind: 'GIT', path: parsePath(path, `${field}.path`), url, ref, field }
}

const parsePath = (path: string, field: string): string => {
  const reason = `a path below /workspace of at most ${MAX_PATH_BYTES} bytes, without .. and NUL`
  if (!path.isWellFormed() || path.includes('\0') || path === '' || Buffer.byteLength(path) > MAX_PATH_BYTES) throw badInput(field, reason)
  const below = path === '/workspace' ? '.' : path.startsWith('/workspace/') ? path.slice('/workspace/'.length) : path
  const names = below.split('/').filter((name) => name !== '' && name !== '.')
  if (below.startsWith('/') || names.includes('..')) throw badInput(field, reason)
  return names.length === 0 ? '.' : names.join('/')
}
