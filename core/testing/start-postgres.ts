// core/testing owns the real services that tests and the one-machine launcher run on: a PostgreSQL, databases cloned from a
// template, the scripted model's server, seeds. It must never be imported by the product's own code (api, worker, core/src).
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { open, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { ensurePostgresUser, findPostgresBinaries, type SystemUser } from './postgres-binaries.ts'
import { type Cluster, choosePort, ensureCluster, findPlace, serverEnv } from './postgres-cluster.ts'

const run = promisify(execFile)

/** A start that replays a long log after a crash may take this long; then something is wrong and the log file is named. */
const START_TIMEOUT_MS = 60_000
/** Between two looks at the server's pid file: it starts in about 30 ms. */
const POLL_MS = 10
/** Between two attempts to start where processes of a killed server still end. */
const LEFTOVER_MS = 100

export type StartPostgresOptions = {
  /** Folder that keeps the cluster, its port, password and log file. */
  dataDir: string
  /** Tried first when given; else the port kept from the last start, else any free one. */
  port?: number
  /** false for tests: no fsync, nothing survives a power cut. */
  durable?: boolean
  onProgress?: (line: string) => void
}

export type RunningPostgres = {
  superuserUrl: string
  port: number
  pid: number
  /** True when a server that outlived its launcher was taken over. */
  adopted: boolean
  /** Fast shutdown; resolves when the server is gone. Stops it for everyone who adopted it. */
  stop(): Promise<void>
}

/**
 * Starts the PostgreSQL kept in `dataDir`, or adopts it where it still runs. The server is in a session of its own: a Ctrl-C meant
 * for the launcher does not reach it before the processes that use it have drained, and `kill -9` of the launcher does not kill it.
 */
export async function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres> {
  const onProgress = options.onProgress ?? (() => {})
  const user = await ensurePostgresUser(onProgress)
  const place = await findPlace(resolve(options.dataDir), user, onProgress)
  const binaries = await findPostgresBinaries(user, onProgress)
  const cluster = await ensureCluster(place, { binaries, user, onProgress })

  const running = await findServer(cluster.folder)
  if (running) return adopt(running, cluster)
  await removeStalePidFile(cluster.folder)

  const port = await choosePort(place, options.port)
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const child = await launch(binaries.postgres, { cluster, port, place, user, durable: options.durable ?? true })
    const started = await waitUntilReady(cluster.folder, child)
    // Two launchers may race for one folder: PostgreSQL lets one win, and the other takes over what the winner started.
    if (started) return started.pid === child.pid ? toRunning(started, cluster, false) : adopt(started, cluster)
    if (Date.now() > deadline || !(await isStillInUse(place)))
      throw new Error(`PostgreSQL did not start: see ${join(place, 'postgres.log')}`)
    await sleep(LEFTOVER_MS)
  }
}

/** A server that was killed leaves processes that end only when they look up from their work: until then PostgreSQL refuses the folder. */
async function isStillInUse(place: string): Promise<boolean> {
  return (await readFile(join(place, 'postgres.log'), 'utf8')).slice(-1_000).includes('is still in use')
}

async function launch(
  binary: string,
  {
    cluster,
    port,
    place,
    user,
    durable,
  }: { cluster: Cluster; port: number; place: string; user: SystemUser | undefined; durable: boolean },
): Promise<ChildProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // a socket's path may be too long under a deep folder
    max_connections: '300', // api, workers, queue and tests on one server
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  // A file and not a pipe: writing to the pipe of a launcher that was killed would kill the server.
  const log = await open(join(place, 'postgres.log'), 'a', 0o600)
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(binary, ['-D', cluster.folder, '-p', String(port), ...flags], {
    ...user,
    env: serverEnv(),
    cwd: '/',
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  child.on('error', () => {}) // waitUntilReady sees that there is no server
  child.unref()
  await log.close()
  return child
}

type Server = { pid: number; port: number; ready: boolean }

/** postmaster.pid: pid, data folder, start time, port, socket folder, address, shared memory, status. */
async function readPidFile(folder: string): Promise<Server | undefined> {
  const lines = (await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = Number(lines[0])
  return pid > 0 ? { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' } : undefined
}

/** The server that runs on this folder, or undefined. A pid that now belongs to another program is not taken for it. */
async function findServer(folder: string): Promise<Server | undefined> {
  const written = await readPidFile(folder)
  return written && (await isServerOf(written.pid, folder)) ? written : undefined
}

async function isServerOf(pid: number, folder: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  if (process.platform === 'win32') return true
  // A zombie's command line is empty: it counts as gone.
  if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(folder)
  const { stdout } = await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => ({ stdout: '' })) // ps exits 1 when it is gone
  return stdout.includes(folder)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** In a container that starts again the old pid soon belongs to another program, and PostgreSQL would refuse to start. */
async function removeStalePidFile(folder: string): Promise<void> {
  await rm(join(folder, 'postmaster.pid'), { force: true })
}

/** The server that has become ready on the folder (ours, or the one of a launcher that was faster), or undefined. */
async function waitUntilReady(folder: string, child?: ChildProcess): Promise<Server | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    const server = await readPidFile(folder)
    if (server?.ready && (child?.pid === server.pid || (await isServerOf(server.pid, folder)))) return server
    const over = child ? child.exitCode !== null || child.signalCode !== null || child.pid === undefined : !server
    if (over && !(server && server.pid !== child?.pid && (await isServerOf(server.pid, folder)))) return undefined
    await sleep(POLL_MS)
  }
  return undefined
}

async function adopt(server: Server, cluster: Cluster): Promise<RunningPostgres> {
  const ready = server.ready ? server : await waitUntilReady(cluster.folder)
  if (!ready) return Promise.reject(new Error(`the PostgreSQL with pid ${server.pid} on ${cluster.folder} does not become ready`))
  const running = toRunning(ready, cluster, true)
  const client = new pg.Client({ connectionString: running.superuserUrl })
  await client.connect() // with our password: proof that it is our server
  await client.end()
  return running
}

function toRunning({ pid, port }: Server, { folder, password }: Cluster, adopted: boolean): RunningPostgres {
  const stop = async () => {
    if (!(await isServerOf(pid, folder))) return
    process.kill(pid, 'SIGINT') // PostgreSQL's fast shutdown: rolls back, disconnects, checkpoints
    while (await isServerOf(pid, folder)) await sleep(POLL_MS)
  }
  return { superuserUrl: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`, port, pid, adopted, stop }
}
