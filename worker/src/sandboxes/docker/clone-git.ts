import { readFile } from 'node:fs/promises'
import { PassThrough, pipeline, type Readable } from 'node:stream'
import type Docker from 'dockerode'
import {
  cloneScript,
  cloneTimeoutMs,
  type GitSettings,
  type GitSource,
  maxCloneKb,
  toCloneArguments,
  toCloneFailure,
} from '../git/git-source.ts'
import { packEntries } from '../pack-entries.ts'
import { HeadAndTail } from '../runner/collect-output.ts'
import { toContainerOptions } from './container-options.ts'
import { createContainer } from './create-sandbox.ts'
import { askEngine, toSandboxError } from './engine.ts'
import { runToEnd } from './run-to-end.ts'
import { skeleton } from './skeleton.ts'

export type CloneOptions = GitSettings & { docker: Docker; instance: string; image: string }

/**
 * Clones in a throwaway container, the only kind with a network. The answer is a tar whose entries lie below `repository/`; the
 * container goes when it has been read or given up. Throws GitCloneError for what the repository's address or content is to blame.
 */
export const cloneGit = async (options: CloneOptions, source: GitSource, signal: AbortSignal): Promise<Readable> => {
  const { docker, image, instance, caFile } = options
  const caTar = caFile ? await packEntries([{ header: { name: 'ca.pem', mode: 0o444 }, content: await readFile(caFile) }]) : null
  const args = await toCloneArguments(source, options, caTar ? '/run/longhaul/ca.pem' : null)
  const limits = { cpus: 1, memoryMb: 1024, diskMb: Math.ceil(maxCloneKb / 1000) }
  const hardened = toContainerOptions({
    ...source,
    ...limits,
    image,
    instance,
    kind: 'clone',
    command: ['sh', '-c', cloneScript, 'clone', ...args],
  })
  const created = { ...hardened, HostConfig: { ...hardened.HostConfig, NetworkMode: 'bridge' } }
  const output = new HeadAndTail(4_000)
  const container = docker.getContainer(
    await createContainer(docker, created, signal).catch((error: unknown) => Promise.reject(toSandboxError(error, 'for a clone'))),
  )
  // Labelled: should this fail or the process die, the reaper removes it.
  const remove = () => container.remove({ force: true, v: true }).catch(() => {})
  try {
    await askEngine((abortSignal) => container.putArchive(skeleton, { path: '/', abortSignal }))
    if (caTar) await askEngine((abortSignal) => container.putArchive(caTar, { path: '/run/longhaul', abortSignal }))
    signal.throwIfAborted()
    const exitCode = await runToEnd(container, { timeoutMs: cloneTimeoutMs, onOutput: (bytes) => output.add(bytes), signal })
    signal.throwIfAborted()
    if (exitCode !== 0) throw toCloneFailure(source.url, exitCode, output.toOutput().text)
    const archive = (await askEngine((abortSignal) => container.getArchive({ path: '/workspace/repository', abortSignal }))) as Readable
    return pipeline(archive, new PassThrough(), () => void remove())
  } catch (error) {
    await remove()
    throw toSandboxError(error, 'for a clone')
  }
}
