import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Container } from 'dockerode'
import { readSingleFile } from '../runner/read-single-file.ts'
import type { RunnerChannel, RunnerHost, RunnerListener } from '../runner/runner-host.ts'
import { attachChannel } from './attach-channel.ts'
import { askEngine, statusOf, toSandboxError } from './engine.ts'
import { callsFolder, packScript, skeleton } from './skeleton.ts'
import { unpauseContainer } from './unpause-container.ts'

const maxThaws = 20
const thawMs = 25

/** A session's container, as its runner's client needs it. */
export class DockerHost implements RunnerHost {
  readonly #container: Container

  constructor(docker: Docker, containerId: string) {
    this.#container = docker.getContainer(containerId)
  }

  async connect(listener: RunnerListener): Promise<RunnerChannel> {
    // Before the start, so that nothing the runner says is missed. No inspection first: the answers to these two tell as much.
    const channel = await this.#askAwake(() => attachChannel(this.#container, listener))
    try {
      await this.#askAwake((abortSignal) => this.#container.start({ abortSignal }))
    } catch (error) {
      // 304: it runs already.
      if (statusOf(error) !== 304) {
        channel.close()
        throw error
      }
    }
    return channel
  }

  furnish(): Promise<void> {
    return this.#ask((abortSignal) => this.#container.putArchive(skeleton, { path: '/', abortSignal })).then(() => {})
  }

  async killAll(): Promise<void> {
    try {
      await this.#ask((abortSignal) => this.#container.stop({ t: 0, abortSignal }))
    } catch (error) {
      if (statusOf(error) !== 304) throw error
    }
  }

  async readCallFile(callNo: number, name: 'out' | 'tail'): Promise<Readable | null> {
    try {
      const tar = await askEngine((abortSignal) => this.#container.getArchive({ path: `${callsFolder}/${callNo}.${name}`, abortSignal }))
      return await readSingleFile(tar as Readable)
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw toSandboxError(error, this.#container.id)
    }
  }

  async putCallScript(callNo: number, script: string): Promise<string> {
    const tar = await packScript(callNo, script)
    await this.#ask((abortSignal) => this.#container.putArchive(tar, { path: callsFolder, abortSignal }))
    return `${callsFolder}/${callNo}.in`
  }

  outputPath(callNo: number): string {
    return `${callsFolder}/${callNo}.out`
  }

  /** A frozen one is thawed first: frozen since it was looked at, or by a checkpoint whose worker died in the middle. */
  async #askAwake<T>(ask: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await askEngine(ask)
      } catch (error) {
        if (statusOf(error) === 304) throw error
        const isPaused = statusOf(error) === 409 && /paused/i.test(String(error))
        if (!isPaused || attempt === maxThaws) throw toSandboxError(error, this.#container.id)
        // The engine hears late of its own freezing: thawed right after, it passes for frozen a moment longer.
        if (!(await this.#ask(() => unpauseContainer(this.#container)))) await sleep(thawMs)
      }
    }
  }

  async #ask<T>(ask: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await askEngine(ask)
    } catch (error) {
      if (statusOf(error) === 304) throw error
      throw toSandboxError(error, this.#container.id)
    }
  }
}
