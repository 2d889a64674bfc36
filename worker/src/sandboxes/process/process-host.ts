import { execFile, spawn } from 'node:child_process'
import { constants, type FSWatcher, open as openDescriptor, watch } from 'node:fs'
import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { LineReader } from '../runner/line-reader.ts'
import type { RunnerChannel, RunnerHost, RunnerListener } from '../runner/runner-host.ts'
import { runnerScript } from '../runner/runner-script.ts'
import { SandboxLostError } from '../sandbox.ts'
import { killProcesses } from './kill-processes.ts'
import { isRoot, lockOf, makeParts, type SessionFolder } from './session-folder.ts'
import { withFileLock } from './with-file-lock.ts'

/** How often the runner is looked after, whose end no event tells. */
const watchMs = 200
const maxProcesses = 512

/** The runner as a detached process: it reads a named pipe and writes a file, so that it and its calls outlive the worker. */
export class ProcessHost implements RunnerHost {
  readonly #folder: SessionFolder
  readonly #diskMb: number

  constructor(folder: SessionFolder, diskMb: number) {
    this.#folder = folder
    this.#diskMb = diskMb
  }

  async connect(listener: RunnerListener): Promise<RunnerChannel> {
    await this.#assertThere()
    await withFileLock(lockOf(this.#folder), async () => {
      await this.#assertThere()
      if ((await this.#runnerPid()) === null) await this.#startRunner()
    })
    const pid = await this.#runnerPid()
    const output = await open(join(this.#folder.path, 'out'), 'r')
    // Both ends: opening it does not wait for a reader, and it never ends. The socket made of it owns the descriptor.
    const input = await promisify(openDescriptor)(join(this.#folder.path, 'in'), constants.O_RDWR | constants.O_NONBLOCK)
    return listen({
      listener,
      output,
      input,
      isAlive: async () => pid !== null && (await this.#runnerPid()) === pid,
      path: join(this.#folder.path, 'out'),
    })
  }

  furnish(): Promise<void> {
    return makeParts(this.#folder)
  }

  async killAll(): Promise<void> {
    await this.#assertThere()
    await killProcesses(this.#folder)
  }

  async readCallFile(callNo: number, name: 'out' | 'tail'): Promise<Readable | null> {
    const file = await this.#folder.openCallFile(`${callNo}.${name}`)
    return file?.createReadStream() ?? null
  }

  async putCallScript(callNo: number, script: string): Promise<string> {
    const path = join(this.#folder.path, `${callNo}.in`)
    await rm(path, { force: true })
    await writeFile(path, script, { mode: 0o644 })
    return path
  }

  outputPath(callNo: number): string {
    return join(this.#folder.calls, `${callNo}.out`)
  }

  async isRunning(): Promise<boolean> {
    return (await this.#runnerPid()) !== null
  }

  async #assertThere(): Promise<void> {
    const meta = await readFile(join(this.#folder.path, 'meta.json'), 'utf8').catch(() => null)
    if (meta !== JSON.stringify(this.#folder.meta)) throw new SandboxLostError(`Sandbox ${this.#folder.path} is gone.`)
  }

  async #startRunner(): Promise<void> {
    const at = (name: string) => join(this.#folder.path, name)
    // New ones each time: what an earlier runner left unread must not be run.
    for (const name of ['in', 'out']) await rm(at(name), { force: true })
    await promisify(execFile)('mkfifo', ['-m', '600', at('in')])
    const input = await open(at('in'), constants.O_RDWR)
    const output = await open(at('out'), 'a', 0o600)
    const limits = isRoot()
      ? `ulimit -f ${this.#diskMb * 2048}; ulimit -u ${maxProcesses} 2>/dev/null || ulimit -p ${maxProcesses} 2>/dev/null`
      : `ulimit -f ${this.#diskMb * 2048}`
    const { environment, calls, workspace, meta } = this.#folder
    const child = spawn('sh', ['-c', `${limits}; exec sh -c "$1" runner "$2" "$3"`, 'sh', runnerScript, calls, workspace], {
      env: environment,
      cwd: workspace,
      detached: true,
      stdio: [input.fd, output.fd, 'ignore'],
      ...(isRoot() ? meta.owner : {}),
    })
    child.on('error', () => {})
    child.unref()
    await Promise.all([input.close(), output.close(), writeFile(at('pid'), String(child.pid))])
  }

  /** Null where it does not live: another process may have its number by now. */
  async #runnerPid(): Promise<number | null> {
    const pid = Number(await readFile(join(this.#folder.path, 'pid'), 'utf8').catch(() => ''))
    if (!Number.isSafeInteger(pid) || pid <= 0) return null
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(async () => {
      const listed = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => null)
      return listed?.stdout ?? ''
    })
    return command.includes(this.#folder.calls) ? pid : null
  }
}

type Listening = { listener: RunnerListener; output: FileHandle; input: number; isAlive: () => Promise<boolean>; path: string }

const listen = async ({ listener, output, input, isAlive, path }: Listening): Promise<RunnerChannel> => {
  const lines = new LineReader(listener.onLine)
  // What was said before was for others.
  let position = (await output.stat()).size
  let closed = false
  let reading = Promise.resolve()
  const chunk = Buffer.alloc(65_536)
  const readOn = async () => {
    while (!closed) {
      const { bytesRead } = await output.read(chunk, 0, chunk.length, position)
      if (bytesRead === 0) return
      position += bytesRead
      lines.add(chunk.subarray(0, bytesRead))
    }
  }
  const wake = () => {
    reading = reading.then(readOn).catch(() => end())
  }
  const pipe = new Socket({ fd: input, readable: false, writable: true })
  const close = () => {
    if (closed) return
    closed = true
    clearInterval(timer)
    watcher.close()
    pipe.destroy()
    void reading.finally(() => output.close().catch(() => {}))
  }
  const end = () => {
    if (closed) return
    close()
    listener.onEnd()
  }
  const watcher: FSWatcher = watch(path, wake)
  watcher.on('error', end)
  pipe.on('error', end)
  const timer = setInterval(() => {
    wake()
    void isAlive().then((alive) => {
      if (!alive) void reading.then(end)
    })
  }, watchMs)
  return { send: (line) => void pipe.write(`${line}\n`), close }
}
