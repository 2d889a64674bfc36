import { randomUUID } from 'node:crypto'
import type Docker from 'dockerode'
import { toKey, type WarmKind, type WarmMember, type WarmSandboxes } from '../warm-sandboxes.ts'
import { isWarmName, toSandboxOptions, warmNamePrefix } from './create-sandbox.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { unpauseContainer } from './unpause-container.ts'

type Member = WarmMember & { name: string; sandbox: DockerSandbox }

/**
 * Labels can't be changed, so a container's name says whose it is: it is made under one of its own and becomes a session's by being
 * renamed, which the engine does for one of two. Before that it is thawed, which the engine lets one do too, and its runner has heard the
 * epoch: whoever finds it under the session's name finds it fenced.
 */
export class DockerWarm implements WarmSandboxes {
  readonly #docker: Docker
  readonly #instance: string
  readonly #diskCheckMs: number | undefined
  readonly #waiting = new Map<string, Member>()
  /** Being made, or being given to a session. */
  readonly #underWay = new Set<string>()

  constructor(docker: Docker, { instance, diskCheckMs }: { instance: string; diskCheckMs?: number | undefined }) {
    this.#docker = docker
    this.#instance = instance
    this.#diskCheckMs = diskCheckMs
  }

  async make(kind: WarmKind, workerId: string): Promise<void> {
    const name = `${warmNamePrefix}${randomUUID()}`
    const of = { ...kind, image: kind.imageId, instance: this.#instance }
    const options = toSandboxOptions({ ...of, name, kind: 'warm', tenantId: '', sessionId: '', labels: { 'longhaul.worker': workerId } })
    let id = ''
    try {
      id = (await askEngine((abortSignal) => this.#docker.createContainer({ ...options, abortSignal }))).id
      this.#underWay.add(id)
      const sandbox = new DockerSandbox(this.#docker, id, { epoch: 0, diskMb: kind.diskMb, diskCheckMs: this.#diskCheckMs })
      await sandbox.attach()
      await askEngine((abortSignal) => this.#docker.getContainer(id).pause({ abortSignal }))
      this.#waiting.set(id, { id, kind, workerId, name, sandbox })
    } catch (error) {
      if (id !== '') await this.discard(id)
      throw toSandboxError(error, name)
    } finally {
      this.#underWay.delete(id)
    }
  }

  waiting(): readonly WarmMember[] {
    return [...this.#waiting.values()]
  }

  holds(id: string): boolean {
    return this.#waiting.has(id) || this.#underWay.has(id)
  }

  async discard(id: string): Promise<void> {
    const member = this.#waiting.get(id)
    this.#waiting.delete(id)
    await member?.sandbox.detach()
    const name = await this.#nameOf(id)
    if (name === null || !isWarmName(name)) return
    try {
      // By its name: should it become a session's at this moment, nothing has it any more.
      await askEngine((abortSignal) => this.#docker.getContainer(name).remove({ force: true, v: true, abortSignal }))
    } catch (error) {
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw toSandboxError(error, name)
    }
  }

  /**
   * One of the kind as the sandbox of whoever owns the name, under this epoch; null where there is none. `taken`: the name is another
   * container's.
   */
  async claim(kind: WarmKind, { name, epoch }: { name: string; epoch: number }): Promise<DockerSandbox | 'taken' | null> {
    for (let member = this.#take(kind); member !== null; member = this.#take(kind)) {
      const { id, sandbox } = member
      try {
        const outcome = await this.#give(member, { name, epoch })
        if (outcome === 'given') return sandbox
        await sandbox.detach()
        // Thawed by somebody else, it is not ours to remove; the reaper removes it if it is nobody's.
        if (outcome === 'taken') await this.discard(id)
        if (outcome === 'taken') return 'taken'
      } catch {
        // Gone, stopped or silent: whatever it was, the next one may do, and a new one does.
        await sandbox.detach()
        void this.discard(id).catch(() => {}) // the reaper finds it
      } finally {
        this.#underWay.delete(id)
      }
    }
    return null
  }

  async #give({ id, sandbox }: Member, { name, epoch }: { name: string; epoch: number }): Promise<'given' | 'taken' | 'lost'> {
    const container = this.#docker.getContainer(id)
    if (!(await unpauseContainer(container))) return 'lost'
    await sandbox.raise(epoch)
    try {
      await askEngine((abortSignal) => container.rename({ name, abortSignal }))
      return 'given'
    } catch (error) {
      if (statusOf(error) === 409) return 'taken'
      throw error
    }
  }

  #take(kind: WarmKind): Member | null {
    const key = toKey(kind)
    for (const member of this.#waiting.values()) {
      if (toKey(member.kind) !== key) continue
      this.#waiting.delete(member.id)
      this.#underWay.add(member.id)
      return member
    }
    return null
  }

  async #nameOf(id: string): Promise<string | null> {
    try {
      return (await askEngine((abortSignal) => this.#docker.getContainer(id).inspect({ abortSignal }))).Name.replace(/^\//, '')
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw toSandboxError(error, id)
    }
  }
}
