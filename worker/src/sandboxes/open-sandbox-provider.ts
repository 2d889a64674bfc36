import { createHash } from 'node:crypto'
import type { Config } from '@longhaul/core/src/config.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import { DockerProvider } from './docker/docker-provider.ts'
import { createDocker } from './docker/engine.ts'
import type { SandboxProvider } from './sandbox.ts'

/** The kind of sandbox that the settings name. An engine that does not answer yet is no reason not to start: sessions wait for it. */
export const openSandboxProvider = async (config: Config, logger: Logger): Promise<SandboxProvider> => {
  const git = { allowedPrivateHosts: config.gitAllowedPrivateHosts, caFile: config.gitCaFile ?? null }
  const provider = new DockerProvider({
    docker: createDocker(config.dockerHost),
    instance: instanceOf(config.databaseUrl),
    git: { ...git, image: config.sandboxImage },
  })
  await provider.engineId().then(
    (engineId) => logger.info({ engineId }, 'the Docker engine answers'),
    (error: unknown) => logger.warn({ err: error }, 'the Docker engine does not answer: sessions that need a sandbox wait'),
  )
  return provider
}

/** An installation is its database, by whatever user it is reached. */
export const instanceOf = (databaseUrl: string): string => {
  const { hostname, port, pathname } = new URL(databaseUrl)
  return createHash('sha256')
    .update(`${hostname}:${port || '5432'}${pathname}`)
    .digest('hex')
    .slice(0, 16)
}
