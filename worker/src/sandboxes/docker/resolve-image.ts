import type Docker from 'dockerode'
import type { ImageInspectInfo } from 'dockerode'
import { SandboxImageError, SandboxUnavailableError } from '../sandbox.ts'
import { askEngine, statusOf } from './engine.ts'
import { pullImage } from './pull-image.ts'

/** What of ours an image is. One that somebody brought along has no such label. */
const KIND = 'longhaul.kind'

/**
 * The id of the image that an environment names, pulled where the engine lacks it; an id, so that nobody moves the name meanwhile. One
 * that the platform made holds a session's files, and any of its names, tag or digest, can be guessed or was seen in a log: it is nobody's to
 * name (invariant 11). One with an environment's set-up is found by its build, and by no name either.
 */
export const resolveImage = async (docker: Docker, image: string, signal: AbortSignal): Promise<string> => {
  signal.throwIfAborted()
  let found = await inspectImage(docker, image)
  if (found === null) {
    await pullImage(docker, image, signal)
    found = await inspectImage(docker, image)
  }
  if (found === null) throw new SandboxImageError(`The engine has no image ${image}.`)
  if (found.Config?.Labels?.[KIND] !== undefined) throw new SandboxImageError(`Image ${image} is not one that an environment can name.`)
  return found.Id
}

/** Throws where a kept image is not the tenant's own, or is none: the database says whose it is, and the engine must say the same. */
export const assertOwnImage = async (
  docker: Docker,
  imageId: string,
  { tenantId, kind }: { tenantId: string; kind: 'checkpoint' | 'setup' },
): Promise<void> => {
  const found = await inspectImage(docker, imageId)
  if (found === null) throw new SandboxUnavailableError(`The kept image ${imageId} has gone.`)
  const labels = found.Config?.Labels ?? {}
  if (labels[KIND] === kind && labels['longhaul.tenant'] === tenantId) return
  throw new SandboxImageError(`Image ${imageId} keeps no files of this tenant.`)
}

const inspectImage = async (docker: Docker, image: string): Promise<ImageInspectInfo | null> => {
  try {
    return await askEngine(() => docker.getImage(image).inspect())
  } catch (error) {
    if (statusOf(error) === 404) return null
    if (statusOf(error) === 400) throw new SandboxImageError(`No container can be made of image ${image}.`, { cause: error })
    throw error
  }
}
