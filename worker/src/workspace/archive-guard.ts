/**
 * Workspaces as tar streams: read, filled, put back. Owns the rules that every archive must keep, whoever made it.
 * Never unpacks anything on this machine.
 */
import type { Header } from 'tar-stream'

/** The archive breaks a rule. The message may be shown to the session's people. */
export class WorkspaceArchiveError extends Error {}

export type ArchiveLimits = { maxEntries: number; maxBytes: number }
export const archiveLimits: ArchiveLimits = { maxEntries: 500_000, maxBytes: 20_000_000_000 }

const maxPathBytes = 4_096

/** Looks at one archive's entries in order, and throws WorkspaceArchiveError at the first that no workspace may hold. */
export class ArchiveGuard {
  readonly #limits: ArchiveLimits
  readonly #links = new Set<string>()
  #entries = 0
  #bytes = 0

  constructor(limits: ArchiveLimits = archiveLimits) {
    this.#limits = limits
  }

  /** The entry's path without its first `strip` names, checked; '' for the root itself. */
  check(header: Header, strip: number): string {
    this.#entries++
    this.#bytes += header.size ?? 0
    if (this.#entries > this.#limits.maxEntries)
      throw new WorkspaceArchiveError(`The workspace holds more than ${this.#limits.maxEntries} files.`)
    if (this.#bytes > this.#limits.maxBytes) throw new WorkspaceArchiveError(`The workspace is larger than ${this.#limits.maxBytes} bytes.`)
    const path = toRelative(header.name).split('/').slice(strip).join('/')
    // What lies "below" a link would be written wherever the link points to.
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (this.#links.has(path.slice(0, at))) throw new WorkspaceArchiveError(`${JSON.stringify(path)} lies below a link.`)
    }
    if (header.type === 'symlink') this.#links.add(path)
    else this.#links.delete(path)
    return path
  }
}

/** Without leading `./`, trailing slash and empty names. Throws for what leads elsewhere. */
export const toRelative = (name: string): string => {
  if (name.startsWith('/')) throw new WorkspaceArchiveError(`The path ${JSON.stringify(name.slice(0, 200))} is absolute.`)
  if (name.includes('\0') || Buffer.byteLength(name) > maxPathBytes) throw new WorkspaceArchiveError('A path is too long or holds a NUL.')
  const names = name.split('/').filter((part) => part !== '' && part !== '.')
  if (names.includes('..')) throw new WorkspaceArchiveError(`The path ${JSON.stringify(name.slice(0, 200))} leads out of the workspace.`)
  return names.join('/')
}

/** A path that a person gave, relative to the workspace: `/workspace/a/b`, `a/b` and `./a/b` are the same; '' is the workspace. */
export const toWorkspacePath = (path: string): string => {
  if (path === '/workspace') return ''
  return toRelative(path.startsWith('/workspace/') ? path.slice('/workspace/'.length).replace(/^\/+/, '') : path)
}
