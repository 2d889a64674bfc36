import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { awaitCall, inspectCall, runCall } from '../runner/run-call.ts'
import { RunnerClient } from '../runner/runner-client.ts'
import type { CallState, CommandCall, CommandResult, Sandbox } from '../sandbox.ts'
import { packPath, unpackInto } from './archive-processes.ts'
import { ProcessHost } from './process-host.ts'
import type { SessionFolder } from './session-folder.ts'

export class ProcessSandbox implements Sandbox {
  readonly id: string
  readonly owner: { uid: number; gid: number }
  readonly #epoch: number
  readonly #folder: SessionFolder
  readonly #runner: { client: RunnerClient; host: ProcessHost }

  constructor(folder: SessionFolder, { epoch, diskMb }: { epoch: number; diskMb: number }) {
    this.id = folder.sandboxId
    this.owner = folder.meta.owner
    this.#epoch = epoch
    this.#folder = folder
    const host = new ProcessHost(folder, diskMb)
    this.#runner = { host, client: new RunnerClient(host, epoch) }
  }

  attach(): Promise<void> {
    return this.#runner.client.connect()
  }

  run(call: CommandCall, signal: AbortSignal): Promise<CommandResult> {
    return runCall(this.#runner, call, signal)
  }

  inspectCall(call: Pick<CommandCall, 'callNo' | 'maxOutputBytes'>): Promise<CallState> {
    return inspectCall(this.#runner, call)
  }

  awaitCall(call: Pick<CommandCall, 'callNo' | 'timeoutMs' | 'maxOutputBytes'>, signal: AbortSignal): Promise<CommandResult> {
    return awaitCall(this.#runner, call, signal)
  }

  async getArchive(path: string): Promise<Readable> {
    return packPath(this.#folder, this.#folder.toHostPath(path))
  }

  async putArchive(path: string, tar: Readable): Promise<void> {
    await this.#runner.client.assertCurrent()
    await unpackInto(this.#folder, this.#folder.toHostPath(path), { archive: tar })
  }

  async lend(bytes: Readable): ReturnType<Sandbox['lend']> {
    await this.#runner.client.assertCurrent()
    const path = join(this.#folder.path, `lent-${this.#epoch}`)
    await rm(path, { force: true })
    await pipeline(bytes, createWriteStream(path, { flags: 'wx', mode: 0o444 }))
    return { path, scratch: this.#folder.calls, takeBack: () => rm(path, { force: true }) }
  }

  async detach(): Promise<void> {
    this.#runner.client.close()
  }
}
