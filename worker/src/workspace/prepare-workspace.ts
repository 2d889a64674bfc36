import type { Readable } from 'node:stream'
import { packArchive, type TarWriter } from '@longhaul/core/src/archives/pack-archive.ts'
import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import type { StoredResource } from '@longhaul/core/src/sessions/read-resources.ts'
import type { Sandbox, SandboxProvider } from '../sandboxes/sandbox.ts'
import { ArchiveGuard, toWorkspacePath } from './archive-guard.ts'

type Options = {
  provider: Pick<SandboxProvider, 'cloneGit'>
  sandbox: Pick<Sandbox, 'putArchive' | 'owner'>
  tenantId: string
  sessionId: string
  signal: AbortSignal
}

/**
 * Puts a session's resources into its fresh workspace, in order, later ones over earlier ones. Everything belongs to the agent's user.
 * Throws WorkspaceArchiveError and GitCloneError for what a resource itself is to blame for.
 */
export const prepareWorkspace = async (options: Options, resources: readonly StoredResource[]): Promise<void> => {
  if (resources.length === 0) return
  // One guard for all: a file must not land behind a link that an earlier repository brought.
  const guard = new ArchiveGuard()
  const filled = packArchive(async (out) => {
    const place = new Placing(out, guard, options.sandbox.owner)
    for (const resource of resources) {
      options.signal.throwIfAborted()
      if (resource.kind === 'FILE') await place.file(toWorkspacePath(resource.path), resource.content)
      else
        await place.repository(toWorkspacePath(resource.path), await options.provider.cloneGit({ ...resource, ...options }, options.signal))
    }
  })
  let failure: Error | null = null
  filled.once('error', (error) => {
    failure = error
  })
  try {
    await options.sandbox.putArchive('/workspace', filled)
  } catch (error) {
    // The engine only knows that its input broke off.
    throw failure ?? error
  }
  if (failure) throw failure
}

class Placing {
  readonly #out: TarWriter
  readonly #guard: ArchiveGuard
  readonly #owner: { uid: number; gid: number }
  readonly #folders = new Set([''])

  constructor(out: TarWriter, guard: ArchiveGuard, owner: { uid: number; gid: number }) {
    this.#out = out
    this.#guard = guard
    this.#owner = owner
  }

  async file(path: string, content: Buffer): Promise<void> {
    await this.#makeFolders(path)
    this.#check(path, 'file', content.length)
    await this.#out.write({ name: path, type: 'file', mode: 0o644, ...this.#owner }, content)
  }

  /** A clone's tar, entries below one folder, whose place `path` takes. */
  async repository(path: string, tar: Readable): Promise<void> {
    await this.#makeFolders(path === '' ? '' : `${path}/`)
    const inside = new ArchiveGuard()
    await walkArchive(tar, async (entry) => {
      const { type, size, linkname, mode } = entry.header
      const below = inside.check(entry.header, 1)
      const name = [path, below].filter((part) => part !== '').join('/')
      // A repository holds files, folders and links, nothing else; git makes no hard links.
      if (name === '' || !['file', 'directory', 'symlink'].includes(type)) return
      this.#check(name, type, size)
      if (type === 'directory') this.#folders.add(name)
      const header = { name, type, size, mode, ...this.#owner, ...(type === 'symlink' ? { linkname } : {}) }
      await this.#out.write(header, type === 'file' ? entry : undefined)
    })
  }

  /** The folders that `path` lies in. Unpacked without entries of their own they would be root's. */
  async #makeFolders(path: string): Promise<void> {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const folder = path.slice(0, at)
      if (this.#folders.has(folder)) continue
      this.#folders.add(folder)
      this.#check(folder, 'directory', 0)
      await this.#out.write({ name: folder, type: 'directory', mode: 0o755, ...this.#owner })
    }
  }

  #check(name: string, type: 'file' | 'directory' | 'symlink' | string, size: number): void {
    this.#guard.check({ name, type, size } as Parameters<ArchiveGuard['check']>[0], 0)
  }
}
