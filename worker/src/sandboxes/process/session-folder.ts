/**
 * Sandboxes without an engine: a folder and, where the worker is root, a user of its own for each session. They isolate nothing from
 * the network or from what every user of the machine may read; `isolated` is false wherever it is reported.
 * Owns these folders. Must never follow a link that an agent made while it is root.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type Owner = { uid: number; gid: number }
export type FolderMeta = {
  sessionId: string
  tenantId: string
  kind: 'sandbox' | 'check' | 'clone'
  owner: Owner
  createdAt: string
  epoch?: number
}

/** Users without a name or a password; one each, so that one session's processes can neither see nor end another's. */
const firstUid = 1_500_000
const uidCount = 400_000

const goneName = 'gone.json'

export const isRoot = (): boolean => process.getuid?.() === 0

/** One sandbox's, check's or clone's folder. The parts that the agent owns lie in one that it can't change. */
export class SessionFolder {
  readonly path: string
  readonly meta: FolderMeta

  constructor(path: string, meta: FolderMeta) {
    this.path = path
    this.meta = meta
  }

  /** Not the folder alone: one that was made anew is another sandbox. */
  get sandboxId(): string {
    return `${this.path}#${this.meta.createdAt}`
  }

  get workspace(): string {
    return join(this.path, 'workspace')
  }
  get calls(): string {
    return join(this.path, 'calls')
  }
  get home(): string {
    return join(this.path, 'home')
  }
  get temporary(): string {
    return join(this.path, 'tmp')
  }

  /** Nothing of the worker's own environment: it holds keys. */
  get environment(): Record<string, string> {
    return {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: this.home,
      TMPDIR: this.temporary,
      USER: 'agent',
      LANG: 'C.UTF-8',
      WORKSPACE: this.workspace,
    }
  }

  /** A path as the agent writes it, on this machine. */
  toHostPath(path: string): string {
    if (path === '/workspace') return this.workspace
    return path.startsWith('/workspace/') ? join(this.workspace, path.slice('/workspace/'.length)) : path
  }

  /** Null where there is no plain file of the agent's: it could have put a link in its place. */
  async openCallFile(name: string) {
    const file = await open(join(this.calls, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null)
    if (file && (await file.stat()).isFile()) return file
    await file?.close()
    return null
  }
}

export const createFolder = async (root: string, name: string, meta: Omit<FolderMeta, 'owner' | 'createdAt'>): Promise<SessionFolder> => {
  const owner = isRoot() ? await freeOwner(root, name) : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const folder = new SessionFolder(join(root, name), { ...meta, owner, createdAt: new Date().toISOString() })
  await mkdir(folder.path, { recursive: true, mode: 0o711 })
  await makeParts(folder)
  await writeFile(join(folder.path, 'meta.json'), JSON.stringify(folder.meta), { mode: 0o600 })
  return folder
}

/** The parts lie in a folder that the agent can't change where the worker is root: none is a link. */
export const makeParts = async (folder: SessionFolder): Promise<void> => {
  const { uid, gid } = folder.meta.owner
  for (const part of [folder.workspace, folder.calls, folder.home, folder.temporary]) {
    await mkdir(part, { recursive: true })
    await chmod(part, part === folder.workspace ? 0o755 : 0o700)
    if (isRoot()) await chown(part, uid, gid)
  }
}

export const findFolder = async (root: string, name: string, metaName = 'meta.json'): Promise<SessionFolder | null> => {
  const text = await readFile(join(root, name, metaName), 'utf8').catch(() => null)
  return text === null ? null : new SessionFolder(join(root, name), JSON.parse(text) as FolderMeta)
}

/** Also one whose removal was begun. */
export const findAnyFolder = async (root: string, name: string): Promise<SessionFolder | null> =>
  (await findFolder(root, name)) ?? (await findFolder(root, name, goneName))

export const listFolders = async (root: string): Promise<SessionFolder[]> => {
  const names = await readdir(root).catch(() => [])
  return (await Promise.all(names.map((name) => findAnyFolder(root, name)))).filter((folder) => folder !== null)
}

export const lockOf = (folder: SessionFolder): string => join(folder.path, 'lock')

/** From here on no session finds it, and no runner is started in it; the reaper still does. */
export const forgetFolder = (folder: SessionFolder): Promise<void> =>
  rename(join(folder.path, 'meta.json'), join(folder.path, goneName)).catch((error: NodeJS.ErrnoException) => {
    // Another remover was first.
    if (error.code !== 'ENOENT') throw error
  })

export const removeFolder = (folder: SessionFolder): Promise<void> => rm(folder.path, { recursive: true, force: true, maxRetries: 3 })

const freeOwner = async (root: string, name: string): Promise<Owner> => {
  const taken = new Set((await listFolders(root)).map(({ meta }) => meta.owner.uid))
  const start = createHash('sha256').update(`${root}/${name}`).digest().readUInt32BE(0)
  for (let step = 0; step < uidCount; step++) {
    const uid = firstUid + ((start + step) % uidCount)
    if (!taken.has(uid)) return { uid, gid: uid }
  }
  throw new Error('every user for sandboxes is taken')
}
