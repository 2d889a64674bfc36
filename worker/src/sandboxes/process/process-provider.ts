import { createHash, randomUUID } from 'node:crypto'
import { lstat, mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { Readable } from 'node:stream'
import { cloneScript, cloneTimeoutMs, type GitSettings, type GitSource, toCloneArguments, toCloneFailure } from '../git/git-source.ts'
import { HeadAndTail } from '../runner/collect-output.ts'
import { findAgentProcesses } from '../runner/find-agent-processes.ts'
import {
  type CheckResult,
  type CheckSpec,
  type OpenedSandbox,
  type OpenOptions,
  SandboxLostError,
  type SandboxProvider,
  type SandboxSpec,
  StaleEpochError,
} from '../sandbox.ts'
import { packPath, unpackInto } from './archive-processes.ts'
import { killProcesses } from './kill-processes.ts'
import { listProcesses } from './list-processes.ts'
import { ProcessHost } from './process-host.ts'
import { ProcessSandbox } from './process-sandbox.ts'
import { runInFolder } from './run-in-folder.ts'
import {
  createFolder,
  type FolderMeta,
  findAnyFolder,
  findFolder,
  forgetFolder,
  listFolders,
  lockOf,
  removeFolder,
  type SessionFolder,
} from './session-folder.ts'
import { withFileLock } from './with-file-lock.ts'

export type ProcessProviderOptions = {
  /** Where the folders lie; users other than the worker's must be able to reach it. */
  root: string
  git: GitSettings
}

export class ProcessProvider implements SandboxProvider {
  readonly name = 'process'
  readonly isolated = false
  readonly images = null
  readonly setUps = null
  readonly warm = null
  readonly #root: string
  readonly #git: GitSettings

  constructor({ root, git }: ProcessProviderOptions) {
    this.#root = root
    this.#git = git
  }

  async engineId(): Promise<string> {
    return `process-${createHash('sha256').update(`${hostname()}\0${this.#root}`).digest('hex').slice(0, 16)}`
  }

  async open(spec: SandboxSpec, { epoch, filledId, signal, findImage, findSetUp }: OpenOptions): Promise<OpenedSandbox> {
    signal.throwIfAborted()
    const name = toName(spec.sessionId)
    await mkdir(this.#root, { recursive: true, mode: 0o711 })
    return withFileLock(join(this.#root, `${name}.lock`), async () => {
      const found = await findFolder(this.#root, name)
      const filled = found !== null && found.sandboxId === filledId
      if (found && !filled && (found.meta.epoch ?? 0) > epoch)
        throw new StaleEpochError(`A claimant of epoch ${found.meta.epoch} has the sandbox; this one is ${epoch}.`)
      // One that the log does not know holds half of its resources at worst, and perhaps a claimant who still writes: start over.
      if (found && !filled) await this.#removeFolder(found)
      // There are no images here, but whoever opens learns what the workspace is to be filled with.
      if (!filled) await findImage?.()
      // Nor set-ups: one that is needed is refused by whoever is asked for it.
      if (!filled) await findSetUp?.()
      const folder = filled
        ? found
        : await createFolder(this.#root, name, { sessionId: spec.sessionId, tenantId: spec.tenantId, kind: 'sandbox', epoch })
      const sandbox = new ProcessSandbox(folder, { epoch, diskMb: spec.diskMb })
      await sandbox.attach()
      return { sandbox, fresh: !filled, madeFrom: 'an empty folder' }
    })
  }

  async stop(sessionId: string): Promise<void> {
    const folder = await this.#find(sessionId)
    if (folder) await killProcesses(folder)
  }

  async hasProcesses(sessionId: string): Promise<boolean> {
    const folder = await this.#find(sessionId)
    return folder !== null && findAgentProcesses(await listProcesses(folder)).length > 0
  }

  async remove(sessionId: string): Promise<void> {
    await this.removeById(toName(sessionId))
  }

  async removeById(id: string): Promise<void> {
    const folder = await findAnyFolder(this.#root, id)
    if (folder) await this.#removeFolder(folder)
  }

  async list(): ReturnType<SandboxProvider['list']> {
    return Promise.all(
      (await listFolders(this.#root)).map(async (folder) => ({
        id: folder.path.slice(this.#root.length + 1),
        sessionId: folder.meta.sessionId,
        buildId: null,
        tenantId: folder.meta.tenantId,
        kind: folder.meta.kind,
        workerId: null,
        paused: false,
        running: folder.meta.kind !== 'sandbox' || (await new ProcessHost(folder, 0).isRunning()),
        createdAt: new Date(folder.meta.createdAt),
      })),
    )
  }

  /** Nothing of the agent's processes, but the same machine: the exit code is worth what the agent leaves of it. */
  async check(spec: CheckSpec, signal: AbortSignal): Promise<CheckResult> {
    const output = new HeadAndTail(spec.maxOutputBytes)
    const startedAt = performance.now()
    const toResult = (rest: Pick<CheckResult, 'completed' | 'exitCode' | 'timedOut' | 'error'>): CheckResult => ({
      ...rest,
      output: output.toOutput().text,
      durationMs: Math.round(performance.now() - startedAt),
      isolated: false,
    })
    try {
      return await this.#inNewFolder({ ...spec, kind: 'check' }, async (folder) => {
        await unpackInto(folder, folder.workspace, { archive: await spec.workspace(), strip: 1 })
        const script = 'if command -v bash >/dev/null; then exec bash -c "$1"; else exec sh -c "$1"; fi'
        const exitCode = await runInFolder(folder, {
          script,
          args: [spec.run],
          timeoutMs: spec.timeoutMs,
          signal,
          onOutput: (bytes) => output.add(bytes),
        })
        signal.throwIfAborted()
        return toResult({
          completed: exitCode !== null,
          exitCode,
          timedOut: exitCode === null,
          error: exitCode === null ? `It did not end within ${spec.timeoutMs} ms.` : null,
        })
      })
    } catch (error) {
      signal.throwIfAborted()
      return toResult({ completed: false, exitCode: null, timedOut: false, error: error instanceof Error ? error.message : String(error) })
    }
  }

  async readWorkspace({ sessionId, sandboxId }: { sessionId: string; sandboxId: string }, path: string): Promise<Readable | null> {
    const folder = await this.#find(sessionId)
    if (folder?.sandboxId !== sandboxId) throw new SandboxLostError(`Sandbox ${sandboxId} is gone.`)
    const host = folder.toHostPath(path)
    // A link on the way leads to what is no part of the workspace.
    const isPlain =
      host === folder.workspace || (await realpath(dirname(host)).catch(() => null)) === (await plainPathOf(folder, dirname(host)))
    return isPlain && (await isThere(host)) ? packPath(folder, host) : null
  }

  async cloneGit(source: GitSource, signal: AbortSignal): Promise<Readable> {
    const ca = this.#git.caFile ? await readFile(this.#git.caFile) : null
    const args = await toCloneArguments(source, this.#git, null)
    const folder = await createFolder(this.#root, `clone-${randomUUID()}`, { ...source, kind: 'clone' })
    const remove = () => this.#removeFolder(folder)
    try {
      if (ca) {
        await writeFile(join(folder.path, 'ca.pem'), ca, { mode: 0o644 })
        args[3] = join(folder.path, 'ca.pem')
      }
      const output = new HeadAndTail(4_000)
      const exitCode = await runInFolder(folder, {
        script: cloneScript,
        args,
        timeoutMs: cloneTimeoutMs,
        signal,
        onOutput: (bytes) => output.add(bytes),
      })
      signal.throwIfAborted()
      if (exitCode !== 0) throw toCloneFailure(source.url, exitCode, output.toOutput().text)
      return packPath(folder, join(folder.workspace, 'repository')).once('close', () => void remove())
    } catch (error) {
      await remove()
      throw error
    }
  }

  /** A stopped process of this machine keeps its memory and its ports for as long as it lives: nothing would be won. */
  async pause(): Promise<boolean> {
    return false
  }

  async unpause(): Promise<void> {}

  async stopAll(): Promise<void> {
    for (const folder of await listFolders(this.#root)) {
      if (folder.meta.kind === 'sandbox') await killProcesses(folder)
      else await this.#removeFolder(folder)
    }
  }

  #find(sessionId: string): Promise<SessionFolder | null> {
    return findFolder(this.#root, toName(sessionId))
  }

  async #inNewFolder<T>(meta: Omit<FolderMeta, 'owner' | 'createdAt'>, use: (folder: SessionFolder) => Promise<T>): Promise<T> {
    const { sessionId, tenantId, kind } = meta
    const folder = await createFolder(this.#root, `${kind}-${randomUUID()}`, { sessionId, tenantId, kind })
    try {
      return await use(folder)
    } finally {
      await this.#removeFolder(folder)
    }
  }

  async #removeFolder(folder: SessionFolder): Promise<void> {
    // Under the lock under which runners are started: none can be between the killing and the removing.
    const end = async () => {
      await forgetFolder(folder)
      await killProcesses(folder)
    }
    await withFileLock(lockOf(folder), end).catch((error: NodeJS.ErrnoException) => {
      // Another remover was faster.
      if (error.code !== 'ENOENT') throw error
    })
    await removeFolder(folder)
  }
}

const plainPathOf = async ({ workspace }: SessionFolder, path: string): Promise<string> =>
  join(await realpath(workspace), relative(workspace, path))

const isThere = async (path: string): Promise<boolean> => {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return false
    throw error
  }
}

/** Session ids are ours, but a folder's name is made of one. */
const toName = (sessionId: string): string => `session-${sessionId.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '_')}`
