import type { Readable } from 'node:stream'
import { packArchive } from '@longhaul/core/src/archives/pack-archive.ts'
import type Docker from 'dockerode'
import type { Container } from 'dockerode'
import { awaitCall, inspectCall, runCall } from '../runner/run-call.ts'
import { RunnerClient } from '../runner/runner-client.ts'
import type { CallState, CommandCall, CommandResult, Sandbox } from '../sandbox.ts'
import { agentUid } from './container-options.ts'
import { DiskWatch } from './disk-watch.ts'
import { DockerHost } from './docker-host.ts'
import { askEngine, toSandboxError } from './engine.ts'
import { callsFolder, lendingFolder } from './skeleton.ts'

/** Copying a workspace in or out may take minutes; the engine answering at all does not. */
const archiveMs = 10 * 60_000

export class DockerSandbox implements Sandbox {
  readonly id: string
  readonly owner = { uid: agentUid, gid: agentUid }
  readonly #container: Container
  #epoch: number
  readonly #disk: DiskWatch
  readonly #runner: { client: RunnerClient; host: DockerHost }

  constructor(
    docker: Docker,
    containerId: string,
    { epoch, diskMb, diskCheckMs }: { epoch: number; diskMb: number; diskCheckMs?: number },
  ) {
    this.id = containerId
    this.#container = docker.getContainer(containerId)
    this.#epoch = epoch
    this.#disk = new DiskWatch(this.#container, { diskMb, checkMs: diskCheckMs })
    const host = new DockerHost(docker, containerId)
    this.#runner = { host, client: new RunnerClient(host, epoch) }
  }

  /** Starts the container where it is stopped, and claims its runner. */
  attach(): Promise<void> {
    return this.#runner.client.connect()
  }

  /** One that was made ahead is this claimant's from here on. */
  raise(epoch: number): Promise<void> {
    this.#epoch = epoch
    return this.#runner.client.raise(epoch)
  }

  run(call: CommandCall, signal: AbortSignal): Promise<CommandResult> {
    return this.#disk.guard(signal, (guarded) => runCall(this.#runner, call, guarded))
  }

  inspectCall(call: Pick<CommandCall, 'callNo' | 'maxOutputBytes'>): Promise<CallState> {
    return inspectCall(this.#runner, call)
  }

  awaitCall(call: Pick<CommandCall, 'callNo' | 'timeoutMs' | 'maxOutputBytes'>, signal: AbortSignal): Promise<CommandResult> {
    return this.#disk.guard(signal, (guarded) => awaitCall(this.#runner, call, guarded))
  }

  getArchive(path: string): Promise<Readable> {
    return this.#ask((abortSignal) => this.#container.getArchive({ path, abortSignal }) as Promise<Readable>)
  }

  async putArchive(path: string, tar: Readable): Promise<void> {
    // The engine knows no epochs: the runner is asked first, so that a claimant who slept writes nothing.
    await this.#runner.client.assertCurrent()
    await this.#ask((abortSignal) => this.#container.putArchive(tar, { path, abortSignal }), archiveMs)
  }

  /** Each claimant lends under a name of its own: one that slept must not change what another has lent. */
  async lend(bytes: Readable, sizeBytes: number): ReturnType<Sandbox['lend']> {
    const name = `lent-${this.#epoch}`
    const put = (content: Readable | Buffer, size: number) =>
      this.putArchive(
        lendingFolder,
        packArchive((out) => out.write({ name, type: 'file', mode: 0o444, uid: 0, gid: 0, size, mtime: new Date(0) }, content)),
      )
    await put(bytes, sizeBytes)
    // The engine can't remove a file: an empty one stays.
    return { path: `${lendingFolder}/${name}`, scratch: callsFolder, takeBack: () => put(Buffer.alloc(0), 0) }
  }

  async detach(): Promise<void> {
    this.#runner.client.close()
  }

  async #ask<T>(ask: (abortSignal: AbortSignal) => Promise<T>, timeoutMs?: number): Promise<T> {
    try {
      return await askEngine(ask, timeoutMs)
    } catch (error) {
      throw toSandboxError(error, this.id)
    }
  }
}
