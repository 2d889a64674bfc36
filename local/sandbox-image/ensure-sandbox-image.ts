import type Docker from 'dockerode'
import { buildFromPackages } from './build-from-packages.ts'
import { type BuildOptions, buildFromRegistry } from './build-from-registry.ts'
import { withBuildLock } from './build-lock.ts'
import { sandboxImageName } from './sandbox-image-name.ts'

export type EnsureImageOptions = { docker: Docker; onProgress: (line: string) => void }

/**
 * Builds the default image where the engine doesn't have it yet, and answers its name. From the public image when a registry
 * answers, else from Debian's own packages (needs Linux, root and mmdebstrap). Builders on one machine wait for one another.
 */
export const ensureSandboxImage = async ({ docker, onProgress }: EnsureImageOptions): Promise<string> => {
  const name = sandboxImageName()
  if (!(await hasImage(docker, name))) await withBuildLock(onProgress, () => build({ docker, name, onProgress }))
  // Under this name too, for a worker that is started by hand with its settings' default.
  await docker.getImage(name).tag({ repo: 'longhaul-sandbox', tag: 'latest' })
  return name
}

const build = async (options: BuildOptions): Promise<void> => {
  if (await hasImage(options.docker, options.name)) return
  const reasons: string[] = []
  for (const attempt of [buildFromRegistry, buildFromPackages]) {
    const reason = await attempt(options)
    if (reason === null) return
    options.onProgress(reason)
    reasons.push(reason)
  }
  throw new Error(`The sandbox image could not be built. ${reasons.join(' ')}`)
}

const hasImage = async (docker: Docker, name: string): Promise<boolean> => {
  try {
    await docker.getImage(name).inspect()
    return true
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false
    throw new Error('The Docker engine could not be asked for its images.', { cause: error })
  }
}
