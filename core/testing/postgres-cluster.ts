// The folder a cluster of the embedded PostgreSQL lives in: where it lies, how it is made, its password and its port.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { isReachableByOthers, OPEN_FOLDER, type PostgresBinaries, type SystemUser } from './postgres-binaries.ts'

const run = promisify(execFile)

export type Cluster = { folder: string; password: string }

/** Inside the cluster's folder, readable by its user only. */
const PASSWORD_FILE = 'longhaul-password'

/** The real folder: `dataDir`, or, when we are root and the server's user can't get there, one in OPEN_FOLDER that `dataDir` links to. */
export async function findPlace(dataDir: string, user: SystemUser | undefined, onProgress: (line: string) => void): Promise<string> {
  const linked = await readlink(dataDir).catch(() => undefined) // no link, the usual case
  if (linked && existsSync(linked)) return linked
  if (!user || (await isReachableByOthers(dataDir))) {
    await mkdir(dataDir, { recursive: true, mode: 0o755 })
    if (user) await chmod(dataDir, 0o711) // a folder of mkdtemp's lets nobody but us through
    return dataDir
  }
  const place = join(OPEN_FOLDER, `data-${randomBytes(6).toString('hex')}`)
  onProgress(`the database goes to ${place}, because the system user postgres can't enter ${dataDir}`)
  await mkdir(place, { recursive: true, mode: 0o755 })
  await rm(dataDir, { recursive: true, force: true })
  await mkdir(resolve(dataDir, '..'), { recursive: true })
  await symlink(place, dataDir)
  return place
}

/** Finds the cluster of a place, or makes it. It is made beside and renamed, so that a cluster that exists is whole. */
export async function ensureCluster(
  place: string,
  { binaries, user, onProgress }: { binaries: PostgresBinaries; user: SystemUser | undefined; onProgress: (line: string) => void },
): Promise<Cluster> {
  const folder = join(place, 'cluster')
  if (!existsSync(folder)) {
    onProgress('making the database cluster')
    const part = join(place, `cluster.${process.pid}.${randomBytes(3).toString('hex')}`)
    try {
      await initialise(part, binaries.initdb, user)
      // Fails when another launcher was first: then its cluster is as good.
      await rename(part, folder).catch((error) => (existsSync(folder) ? undefined : Promise.reject(error)))
    } catch (cause) {
      throw new Error(`the database cluster can't be made in ${place}`, { cause })
    } finally {
      await rm(part, { recursive: true, force: true })
    }
  }
  return { folder, password: (await readFile(join(folder, PASSWORD_FILE), 'utf8')).trim() }
}

async function initialise(part: string, initdb: string, user: SystemUser | undefined): Promise<void> {
  const given = `${part}.pw` // initdb wants its folder empty, so the password comes from beside it
  try {
    await mkdir(part, { mode: 0o700 })
    await writeFile(given, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 })
    if (user) await Promise.all([part, given].map((path) => chown(path, user.uid, user.gid)))
    const ctype = process.platform === 'linux' ? 'C.UTF-8' : process.platform === 'darwin' ? 'en_US.UTF-8' : 'C'
    const flags = [
      `--pgdata=${part}`,
      `--pwfile=${given}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-instructions',
    ]
    const locale = ['--locale=C', `--lc-ctype=${ctype}`, '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    await run(initdb, [...flags, ...locale], { ...user, env: serverEnv(), cwd: '/' })
    await rename(given, join(part, PASSWORD_FILE))
  } finally {
    await rm(given, { force: true })
  }
}

/** The wanted port, else the one kept from the last start, else any free one; kept for the next start. */
export async function choosePort(place: string, wanted?: number): Promise<number> {
  const file = join(place, 'port')
  const kept = Number(await readFile(file, 'utf8').catch(() => '0'))
  for (const candidate of [wanted, kept, 0]) {
    const port = candidate === undefined ? undefined : await probePort(candidate)
    if (!port) continue
    await writeFile(file, `${port}\n`)
    return port
  }
  throw new Error('no free port on 127.0.0.1 for PostgreSQL')
}

/** The port when it can be listened on (any free one for 0), else undefined. */
function probePort(port: number): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address ? address.port : undefined))
    })
  })
}

/** Only what the server needs: a PGDATA or a secret of the launcher's environment must not get in. */
export function serverEnv(): Record<string, string> {
  const { PATH = '', SystemRoot, TEMP } = process.env
  return { PATH, LC_MESSAGES: 'C', ...(SystemRoot ? { SystemRoot } : {}), ...(TEMP ? { TEMP } : {}) }
}
