import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { GitSettings, GitSource } from '../git/git-source.ts'
import { findAgentProcesses } from '../runner/find-agent-processes.ts'
import {
  type CheckResult,
  type CheckSpec,
  type OpenedSandbox,
  type OpenOptions,
  type Sandbox,
  SandboxLostError,
  type SandboxProvider,
  type SandboxSpec,
  SandboxUnavailableError,
  StaleEpochError,
} from '../sandbox.ts'
import { cloneGit } from './clone-git.ts'
import { chooseImage, containerNameOf, createSandbox, epochLabel } from './create-sandbox.ts'
import { DockerImages } from './docker-images.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import { DockerSetUps } from './docker-set-ups.ts'
import { DockerWarm } from './docker-warm.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { isBelowLink } from './is-below-link.ts'
import { listContainers } from './list-containers.ts'
import { listProcesses } from './list-processes.ts'
import { runCheck } from './run-check.ts'
import { unpauseContainer } from './unpause-container.ts'

export type DockerProviderOptions = {
  docker: Docker
  /** Which Longhaul installation this is: containers of another on the same engine are neither listed nor removed. */
  instance: string
  git: GitSettings & { image: string }
  /** How often a sandbox at work has its disk measured. */
  diskCheckMs?: number
  /** Of a saved image: one that would have more becomes a single one. */
  maxLayers?: number
}

/** `epoch`: whoever made it; null where it was made ahead. */
type Found = { id: string; epoch: number | null; imageId: string; paused: boolean }

/** A container of the same name is being removed, or another claimant makes one at this moment. */
const nameTakenMs = 200
const maxOpenAttempts = 25

export class DockerProvider implements SandboxProvider {
  readonly name = 'docker'
  readonly isolated = true
  readonly images: DockerImages
  readonly setUps: DockerSetUps
  readonly warm: DockerWarm
  readonly #docker: Docker
  readonly #options: DockerProviderOptions
  #engineId: string | null = null

  constructor(options: DockerProviderOptions) {
    this.#docker = options.docker
    this.images = new DockerImages(options.docker, options)
    this.setUps = new DockerSetUps(options.docker, options)
    this.warm = new DockerWarm(options.docker, options)
    this.#options = options
  }

  /** The engine's own, kept in its data folder: the same after it restarts. */
  async engineId(): Promise<string> {
    this.#engineId ??= (await askEngine(() => this.#docker.info() as Promise<{ ID: string }>)).ID
    return this.#engineId
  }

  async open(spec: SandboxSpec, { epoch, filledId, signal, findImage, findSetUp }: OpenOptions): Promise<OpenedSandbox> {
    for (let attempt = 1; attempt <= maxOpenAttempts; attempt++) {
      signal.throwIfAborted()
      const found = await this.#find(containerNameOf(spec.sessionId))
      if (found !== null && found.id === filledId) {
        if (found.paused) await this.unpause(spec.sessionId)
        return { sandbox: await this.#attach(found.id, { epoch, ...spec }), fresh: false, madeFrom: found.imageId }
      }
      if (found) await this.#assertNoNewer(found, { epoch, ...spec })
      // One that the log does not know holds half of its resources at worst, and perhaps a claimant who still writes: start over.
      if (found) await this.removeById(found.id)
      const kept = (await findImage?.()) ?? null
      const setUp = kept === null ? ((await findSetUp?.()) ?? null) : null
      const imageId = await chooseImage(this.#docker, spec, { kept, setUp, signal })
      const ready = kept === null ? await this.warm.claim({ ...spec, imageId }, { name: containerNameOf(spec.sessionId), epoch }) : null
      if (ready !== null && ready !== 'taken') return { sandbox: ready, fresh: true, madeFrom: imageId }
      const of = { instance: this.#options.instance, epoch, signal, imageId }
      const id = ready === 'taken' ? null : await createSandbox(this.#docker, spec, of)
      const made = id === null ? null : await this.#find(id)
      if (made !== null) return { sandbox: await this.#attach(made.id, { epoch, ...spec }), fresh: true, madeFrom: made.imageId }
      await sleep(nameTakenMs, undefined, { signal })
    }
    throw new SandboxUnavailableError(`The container of session ${spec.sessionId} could be neither used nor replaced.`)
  }

  async stop(sessionId: string): Promise<void> {
    await this.#ask((abortSignal) => this.#containerOf(sessionId).stop({ t: 1, abortSignal }), [304, 404])
  }

  async hasProcesses(sessionId: string): Promise<boolean> {
    // 409: it does not run.
    const listed = await this.#ask((abortSignal) => listProcesses(this.#containerOf(sessionId), abortSignal), [404, 409])
    return listed !== null && findAgentProcesses(listed).length > 0
  }

  async pause(sessionId: string): Promise<boolean> {
    // 409: it does not run, or is frozen already, by a checkpoint that is being taken.
    const answer = await this.#ask(
      (abortSignal) =>
        this.#containerOf(sessionId)
          .pause({ abortSignal })
          .then(() => true),
      [404, 409, 500],
    )
    return answer ?? false
  }

  async unpause(sessionId: string): Promise<void> {
    await this.#ask(() => unpauseContainer(this.#containerOf(sessionId)), [404])
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

  async readWorkspace({ sandboxId }: { sandboxId: string }, path: string): Promise<Readable | null> {
    const container = this.#docker.getContainer(sandboxId)
    if (await isBelowLink(container, path)) return null
    try {
      return (await askEngine((abortSignal) => container.getArchive({ path, abortSignal }))) as Readable
    } catch (error) {
      const refused = toSandboxError(error, sandboxId)
      if (statusOf(error) === 404 && !(refused instanceof SandboxLostError)) return null
      throw refused
    }
  }

  cloneGit(source: GitSource, signal: AbortSignal): Promise<Readable> {
    return cloneGit({ docker: this.#docker, instance: this.#options.instance, ...this.#options.git }, source, signal)
  }

  async stopAll(): Promise<void> {
    const running = (await this.list()).filter((container) => container.running || container.paused)
    await Promise.all(running.map(({ sessionId, kind, id }) => (kind === 'sandbox' ? this.stop(sessionId) : this.removeById(id))))
  }

  /** One that was made ahead bears no label of its claimant: its runner, which knows him, refuses whoever is older. */
  async #assertNoNewer(found: Found, { epoch, diskMb }: { epoch: number; diskMb: number }): Promise<void> {
    if (found.epoch !== null) {
      if (found.epoch <= epoch) return
      throw new StaleEpochError(`A claimant of epoch ${found.epoch} has the sandbox; this one is ${epoch}.`)
    }
    try {
      await (await this.#attach(found.id, { epoch, diskMb })).detach()
    } catch (error) {
      if (error instanceof StaleEpochError) throw error
      // Silent or gone: nobody works in it.
    }
  }

  #containerOf(sessionId: string) {
    return this.#docker.getContainer(containerNameOf(sessionId))
  }

  async #find(container: string): Promise<Found | null> {
    const found = await this.#ask((abortSignal) => this.#docker.getContainer(container).inspect({ abortSignal }), [404])
    return (
      found && {
        id: found.Id,
        epoch: found.Config.Labels['longhaul.kind'] === 'warm' ? null : Number(found.Config.Labels[epochLabel] ?? 0),
        imageId: found.Image,
        paused: found.State.Paused,
      }
    )
  }

  async #attach(id: string, { epoch, diskMb }: { epoch: number; diskMb: number }): Promise<Sandbox> {
    const sandbox = new DockerSandbox(this.#docker, id, { epoch, diskMb, diskCheckMs: this.#options.diskCheckMs })
    await sandbox.attach()
    return sandbox
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
