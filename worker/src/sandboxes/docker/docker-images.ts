import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { FoundImage, ImageOwner, SandboxImages } from '../sandbox-images.ts'
import { toContainerOptions } from './container-options.ts'
import { containerNameOf } from './create-sandbox.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { flattenContainer } from './flatten-container.ts'
import { isBelowLink } from './is-below-link.ts'
import { assertOwnImage } from './resolve-image.ts'

const repository = 'longhaul-checkpoint'
/** 100 MB and 2,000 files take half a second; a sandbox may be at its disk's limit, on a machine that is busy. */
const saveMs = 10 * 60_000
/** overlay2 starts nothing above about 120 layers; some are left for what is made from it. */
const defaultMaxLayers = 100

/** Named by the checkpoint, found by label: `longhaul.instance` says which installation's, `longhaul.checkpoint` which checkpoint's. */
export class DockerImages implements SandboxImages {
  readonly #docker: Docker
  readonly #instance: string
  readonly #maxLayers: number

  constructor(docker: Docker, { instance, maxLayers = defaultMaxLayers }: { instance: string; maxLayers?: number | undefined }) {
    this.#docker = docker
    this.#instance = instance
    this.#maxLayers = maxLayers
  }

  async save({ sandboxId, ...owner }: ImageOwner & { sandboxId: string }): Promise<{ imageId: string } | null> {
    const container = this.#docker.getContainer(containerNameOf(owner.sessionId))
    const found = await this.#ask((abortSignal) => container.inspect({ abortSignal }), [404])
    if (found?.Id !== sandboxId) return null
    const base = await this.#ask(() => this.#docker.getImage(found.Image).inspect(), [404])
    const target = { repo: repository, tag: tagOf(owner.checkpointId), labels: this.#labelsOf(owner) }
    if ((base?.RootFS.Layers?.length ?? 0) >= this.#maxLayers) return flattenContainer(this.#docker, container, { ...target, base })
    // Paused meanwhile, by the engine itself: what runs in the background must not write half a file into the image.
    const options = {
      _query: { container: sandboxId, repo: target.repo, tag: target.tag, pause: true },
      _body: { Labels: target.labels },
    }
    const saved = await this.#ask((abortSignal) => container.commit({ ...options, abortSignal }) as Promise<{ Id: string }>, [404], saveMs)
    return saved === null ? null : { imageId: saved.Id }
  }

  async has(imageId: string): Promise<boolean> {
    return (await this.#ask(() => this.#docker.getImage(imageId).inspect(), [404])) !== null
  }

  async read(imageId: string, { path, ...of }: { tenantId: string; sessionId: string; path: string }): Promise<Readable | null> {
    await assertOwnImage(this.#docker, imageId, { tenantId: of.tenantId, kind: 'checkpoint' })
    // Made and never started: it only gives the image's files a place to be read from.
    const size = { cpus: 1, memoryMb: 64, diskMb: 64 }
    const options = toContainerOptions({ ...of, ...size, image: imageId, kind: 'copy', instance: this.#instance, command: ['true'] })
    const { id } = await askEngine((abortSignal) => this.#docker.createContainer({ ...options, abortSignal }))
    const container = this.#docker.getContainer(id)
    // Labelled: should this fail or the process die, the reaper removes it.
    const remove = () => void container.remove({ force: true, v: true }).catch(() => {})
    try {
      const elsewhere = await isBelowLink(container, path)
      const tar = elsewhere
        ? null
        : ((await this.#ask((abortSignal) => container.getArchive({ path, abortSignal }), [404])) as Readable | null)
      if (tar === null) remove()
      return tar?.once('close', remove) ?? null
    } catch (error) {
      remove()
      throw error
    }
  }

  async list(): Promise<FoundImage[]> {
    const filters = { label: [`longhaul.instance=${this.#instance}`, 'longhaul.kind=checkpoint'] }
    const found = await askEngine((abortSignal) => this.#docker.listImages({ filters, abortSignal }))
    return found.flatMap(({ Id, Created, Labels, RepoTags }) =>
      (RepoTags ?? []).some((name) => name.startsWith(`${repository}:`))
        ? [
            {
              imageId: Id,
              checkpointId: Labels['longhaul.checkpoint'] ?? '',
              sessionId: Labels['longhaul.session'] ?? '',
              tenantId: Labels['longhaul.tenant'] ?? '',
              createdAt: new Date(Created * 1000),
            },
          ]
        : [],
    )
  }

  async remove(checkpointId: string): Promise<void> {
    // 409: a container is made from it; it goes once that is gone.
    const name = `${repository}:${tagOf(checkpointId)}`
    await this.#ask((abortSignal) => this.#docker.getImage(name).remove({ abortSignal }), [404, 409], saveMs)
  }

  async removeUnnamed(olderThanMs: number): Promise<void> {
    const filters = { label: [`longhaul.instance=${this.#instance}`, 'longhaul.kind=checkpoint'], dangling: ['true'] }
    for (const { Id, Created } of await askEngine((abortSignal) => this.#docker.listImages({ filters, abortSignal }))) {
      if (Date.now() - Created * 1000 < olderThanMs) continue
      // 409: another is made from it. It stays as long as that one does.
      await this.#ask((abortSignal) => this.#docker.getImage(Id).remove({ abortSignal }), [404, 409], saveMs)
    }
  }

  #labelsOf({ tenantId, sessionId, checkpointId }: ImageOwner): Record<string, string> {
    return {
      'longhaul.kind': 'checkpoint',
      'longhaul.instance': this.#instance,
      'longhaul.tenant': tenantId,
      'longhaul.session': sessionId,
      'longhaul.checkpoint': checkpointId,
    }
  }

  async #ask<T>(ask: (abortSignal: AbortSignal) => Promise<T>, expected: number[], timeoutMs?: number): Promise<T | null> {
    try {
      return await askEngine(ask, timeoutMs)
    } catch (error) {
      if (expected.includes(statusOf(error) ?? 0)) return null
      throw toSandboxError(error, 'of the session')
    }
  }
}

const tagOf = (checkpointId: string): string => checkpointId.toLowerCase()
