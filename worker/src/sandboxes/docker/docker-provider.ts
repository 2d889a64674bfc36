import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { GitSettings, GitSource } from '../git/git-source.ts'
import type { CheckResult, CheckSpec, Sandbox, SandboxProvider, SandboxSpec } from '../sandbox.ts'
import { cloneGit } from './clone-git.ts'
import { containerNameOf, createSandbox } from './create-sandbox.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { listContainers } from './list-containers.ts'
import { runCheck } from './run-check.ts'
import { readyFile, readyMark } from './skeleton.ts'

export type DockerProviderOptions = {
  docker: Docker
  /** Which Longhaul installation this is: containers of another on the same engine are neither listed nor removed. */
  instance: string
  git: GitSettings & { image: string }
}

export class DockerProvider implements SandboxProvider {
  readonly name = 'docker'
  readonly isolated = true
  readonly #docker: Docker
  readonly #options: DockerProviderOptions

  constructor(options: DockerProviderOptions) {
    this.#docker = options.docker
    this.#options = options
  }

  /** The engine's own, kept in its data folder: the same after it restarts. */
  async engineId(): Promise<string> {
    const answer = await askEngine(() => this.#docker.info() as Promise<{ ID: string }>)
    return answer.ID
  }

  async open(spec: SandboxSpec, { epoch, signal }: { epoch: number; signal: AbortSignal }): Promise<{ sandbox: Sandbox; fresh: boolean }> {
    const container = await this.#find(spec.sessionId)
    const ready = container !== null && (await this.#isReady(spec.sessionId))
    // One that was never marked holds half of its resources at worst, and perhaps a claimant who still writes: start over.
    if (container && !ready) await this.removeById(container)
    const id = ready ? container : await createSandbox(this.#docker, spec, { instance: this.#options.instance, signal })
    signal.throwIfAborted()
    const sandbox = new DockerSandbox(this.#docker, id, epoch)
    await sandbox.attach()
    return { sandbox, fresh: !ready }
  }

  async markReady(sessionId: string): Promise<void> {
    await this.#ask((abortSignal) => this.#containerOf(sessionId).putArchive(readyMark, { path: '/run/longhaul', abortSignal }))
  }

  async stop(sessionId: string): Promise<void> {
    await this.#ask((abortSignal) => this.#containerOf(sessionId).stop({ t: 1, abortSignal }), [304, 404])
  }

  remove(sessionId: string): Promise<void> {
    return this.removeById(containerNameOf(sessionId))
  }

  list(): ReturnType<SandboxProvider['list']> {
    return listContainers(this.#docker, this.#options.instance)
  }

  async removeById(id: string): Promise<void> {
    // 409: its removal is already on the way.
    await this.#ask((abortSignal) => this.#docker.getContainer(id).remove({ force: true, v: true, abortSignal }), [404, 409])
  }

  check(spec: CheckSpec, signal: AbortSignal): Promise<CheckResult> {
    return runCheck({ docker: this.#docker, instance: this.#options.instance }, spec, signal)
  }

  async readWorkspace(sessionId: string, path: string): Promise<Readable | null> {
    const archive = await this.#ask((abortSignal) => this.#containerOf(sessionId).getArchive({ path, abortSignal }), [404])
    return archive ? (archive as Readable) : null
  }

  cloneGit(source: GitSource, signal: AbortSignal): Promise<Readable> {
    return cloneGit({ docker: this.#docker, instance: this.#options.instance, ...this.#options.git }, source, signal)
  }

  async stopAll(): Promise<void> {
    const running = (await this.list()).filter((container) => container.running)
    await Promise.all(running.map(({ sessionId, kind, id }) => (kind === 'sandbox' ? this.stop(sessionId) : this.removeById(id))))
  }

  #containerOf(sessionId: string) {
    return this.#docker.getContainer(containerNameOf(sessionId))
  }

  async #find(sessionId: string): Promise<string | null> {
    const found = await this.#ask((abortSignal) => this.#containerOf(sessionId).inspect({ abortSignal }), [404])
    return found?.Id ?? null
  }

  async #isReady(sessionId: string): Promise<boolean> {
    const found = await this.#ask((abortSignal) => this.#containerOf(sessionId).infoArchive({ path: readyFile, abortSignal }), [404])
    return found !== null
  }

  /** Null where the engine answers with one of `expected`. */
  async #ask<T>(ask: (abortSignal: AbortSignal) => Promise<T>, expected: number[] = []): Promise<T | null> {
    try {
      return await askEngine(ask)
    } catch (error) {
      if (expected.includes(statusOf(error) ?? 0)) return null
      throw toSandboxError(error, 'of the session')
    }
  }
}
