import { createHash } from 'node:crypto'
import type Docker from 'dockerode'
import type { ImageInspectInfo } from 'dockerode'
import { HeadAndTail } from '../runner/collect-output.ts'
import type { FoundSetUp, SetUpEnd, SetUpSpec, SetUps, SetUpWatch } from '../set-ups.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { findFailedLine } from './find-failed-line.ts'
import { resolveImage } from './resolve-image.ts'
import { type RanSetUp, removeContainer, removeEarlier, runSetUp } from './run-set-up.ts'

const repository = 'longhaul-setup'
/** What a script has written is read once and stored: gigabytes on a busy machine take minutes. */
const saveMs = 15 * 60_000
/** Enough to hold the last lines of what was printed. */
const tailBytes = 8_192

/** Part of every key: one that is raised builds all anew. */
const format = 1

/** Named by their key, found by label: `longhaul.kind=setup`, whose in `longhaul.tenant` and `longhaul.instance`. */
export class DockerSetUps implements SetUps {
  readonly #docker: Docker
  readonly #instance: string

  constructor(docker: Docker, { instance }: { instance: string }) {
    this.#docker = docker
    this.#instance = instance
  }

  resolve(image: string, signal: AbortSignal): Promise<string> {
    return resolveImage(this.#docker, image, signal)
  }

  async look(image: string): Promise<string | null> {
    return (await this.#inspect(image))?.Id ?? null
  }

  keyOf({ tenantId, baseImageId, network, script }: { tenantId: string; baseImageId: string; network: string; script: string }): string {
    return createHash('sha256').update([format, this.#instance, tenantId, baseImageId, network, script].join('\n')).digest('hex')
  }

  async find({ tenantId, key }: { tenantId: string; key: string }): Promise<string | null> {
    const found = await this.#inspect(`${repository}:${key}`)
    const labels = found?.Config.Labels
    return found && labels?.['longhaul.tenant'] === tenantId && labels['longhaul.instance'] === this.#instance ? found.Id : null
  }

  async build(spec: SetUpSpec, watch: SetUpWatch): Promise<SetUpEnd> {
    const tail = new HeadAndTail(tailBytes)
    const onOutput = (bytes: Buffer) => {
      tail.add(bytes)
      watch.onOutput(bytes)
    }
    let ran: RanSetUp | null = null
    try {
      await removeEarlier(this.#docker, spec.buildId)
      ran = await runSetUp({ docker: this.#docker, instance: this.#instance }, spec, { ...watch, onOutput })
      const problem = describeEnd(ran, spec, tail.toOutput().text)
      if (problem !== null) return problem
      await watch.onRan()
      return { imageId: await this.#save(ran, spec) }
    } catch (error) {
      watch.signal.throwIfAborted()
      throw toSandboxError(error, 'of a build')
    } finally {
      if (ran !== null) await removeContainer(ran.container)
    }
  }

  async has(imageId: string): Promise<boolean> {
    return (await this.#inspect(imageId)) !== null
  }

  async list(): Promise<FoundSetUp[]> {
    const filters = { label: [`longhaul.instance=${this.#instance}`, 'longhaul.kind=setup'] }
    const found = await askEngine((abortSignal) => this.#docker.listImages({ filters, abortSignal }))
    return found.flatMap(({ Id, Labels, RepoTags }) =>
      (RepoTags ?? []).some((name) => name.startsWith(`${repository}:`))
        ? [{ key: Labels['longhaul.key'] ?? '', tenantId: Labels['longhaul.tenant'] ?? '', imageId: Id }]
        : [],
    )
  }

  async remove(key: string): Promise<void> {
    try {
      await askEngine((abortSignal) => this.#docker.getImage(`${repository}:${key}`).remove({ abortSignal }), saveMs)
    } catch (error) {
      // 409: a container is made from it; it goes once that is gone.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw toSandboxError(error, 'of a build')
    }
  }

  async #save({ container }: RanSetUp, { tenantId, buildId, key }: SetUpSpec): Promise<string> {
    const labels = {
      'longhaul.kind': 'setup',
      'longhaul.tenant': tenantId,
      'longhaul.instance': this.#instance,
      'longhaul.build': buildId,
      'longhaul.key': key,
    }
    const options = {
      _query: { container: container.id, repo: repository, tag: key, pause: false },
      // Its command was the script, which is nobody's to read in an image's description.
      _body: { Labels: labels, Cmd: ['sh'] },
    }
    const { Id } = (await askEngine((abortSignal) => container.commit({ ...options, abortSignal }), saveMs)) as { Id: string }
    return Id
  }

  async #inspect(image: string): Promise<ImageInspectInfo | null> {
    try {
      return await askEngine(() => this.#docker.getImage(image).inspect())
    } catch (error) {
      if (statusOf(error) === 404 || statusOf(error) === 400) return null
      throw toSandboxError(error, 'of a build')
    }
  }
}

/** Null where the script has ended well. */
const describeEnd = (ran: RanSetUp, spec: SetUpSpec, output: string): Exclude<SetUpEnd, { imageId: string }> | null => {
  const { exitCode, outOfMemory, diskFull } = ran
  if (exitCode === 0 && !diskFull) return null
  const failedLine = exitCode === 0 || exitCode === null ? null : findFailedLine(output)
  const failed = (problem: string) => ({ imageId: null, problem, exitCode, failedLine })
  if (diskFull) return failed(`The set-up script wrote more than ${spec.diskMb} MB.`)
  if (exitCode === null) return failed(`The set-up script did not end within ${Math.round(spec.timeoutMs / 1_000)} seconds.`)
  const where = failedLine === null ? '' : ` at line ${failedLine}`
  if (outOfMemory) return failed(`The set-up script ran out of memory${where}: it may have ${spec.memoryMb} MB.`)
  return failed(`The set-up script failed${where}: it exited with ${exitCode}.`)
}
