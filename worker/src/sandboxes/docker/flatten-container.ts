import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Container, ImageInspectInfo } from 'dockerode'
import { askEngine } from './engine.ts'
import { unpauseContainer } from './unpause-container.ts'

/** Reading a whole file system out and in again: 350 MB take a few seconds. */
const flattenMs = 15 * 60_000

/**
 * The container's whole file system as an image of one layer. Costs its size instead of its changes, once in a hundred checkpoints.
 * Of the image's own settings only its environment counts: the rest every container of ours sets itself.
 */
export const flattenContainer = async (
  docker: Docker,
  container: Container,
  { repo, tag, labels, base }: { repo: string; tag: string; labels: Record<string, string>; base: ImageInspectInfo | null },
): Promise<{ imageId: string }> => {
  const pausedHere = await askEngine((abortSignal) => container.pause({ abortSignal })).then(
    () => true,
    () => false, // it is stopped, or frozen for want of work
  )
  try {
    const tar = (await askEngine((abortSignal) => container.export({ abortSignal }))) as Readable
    const changes = [
      ...Object.entries(labels).map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`),
      ...(base?.Config.Env ?? []).map((entry) => `ENV ${toAssignment(entry)}`),
    ]
    const said = (await askEngine(
      () => docker.importImage(tar, { repo, tag, changes: changes.join('\n') }),
      flattenMs,
    )) as unknown as NodeJS.ReadableStream
    await new Promise((resolve, reject) => {
      docker.modem.followProgress(said, (error) => (error ? reject(error) : resolve(undefined)))
    })
    const { Id } = await askEngine(() => docker.getImage(`${repo}:${tag}`).inspect())
    return { imageId: Id }
  } finally {
    if (pausedHere) await unpauseContainer(container).catch(() => {}) // it has been stopped or removed meanwhile
  }
}

/** `NAME=value` as a Dockerfile takes it. */
const toAssignment = (entry: string): string => {
  const at = entry.indexOf('=')
  return `${entry.slice(0, at)}=${JSON.stringify(entry.slice(at + 1)).replaceAll('$', '\\$')}`
}
