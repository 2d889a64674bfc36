import { type Config, ConfigError } from '@longhaul/core/src/config.ts'
import { instanceOf } from '@longhaul/core/src/instance-of.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import { DockerProvider } from './docker/docker-provider.ts'
import { createDocker } from './docker/engine.ts'
import { chooseRoot } from './process/choose-root.ts'
import { ProcessProvider } from './process/process-provider.ts'
import { isRoot } from './process/session-folder.ts'
import type { SandboxProvider } from './sandbox.ts'

/** The kind of sandbox that the settings name. An engine that does not answer yet is no reason not to start: sessions wait for it. */
export const openSandboxProvider = async (config: Config, logger: Logger): Promise<SandboxProvider> => {
  const git = { allowedPrivateHosts: config.gitAllowedPrivateHosts, caFile: config.gitCaFile ?? null }
  const instance = instanceOf(config.databaseUrl)
  if (config.sandbox === 'process') {
    const problem = describeDanger(config, isRoot())
    if (problem !== null) throw new ConfigError(problem)
    const root = await chooseRoot(config.dataDir, instance)
    logger.warn({ root }, 'SANDBOX=process isolates nothing: agents run as processes of this machine, with its network')
    return new ProcessProvider({ root, git })
  }
  const provider = new DockerProvider({ docker: createDocker(config.dockerHost), instance, git: { ...git, image: config.sandboxImage } })
  await provider.engineId().then(
    (engineId) => logger.info({ engineId }, 'the Docker engine answers'),
    (error: unknown) => logger.warn({ err: error }, 'the Docker engine does not answer: sessions that need a sandbox wait'),
  )
  return provider
}

/** Without root, agents' processes are the worker's own user and can read its memory: what is in there must be worth nothing. */
export const describeDanger = (config: Pick<Config, 'sandboxUnsafe' | 'anthropicApiKey' | 'databaseUrl'>, root: boolean): string | null => {
  if (root || config.sandboxUnsafe) return null
  const external = !['127.0.0.1', 'localhost', '[::1]', ''].includes(new URL(config.databaseUrl).hostname)
  if (config.anthropicApiKey === undefined && !external) return null
  const secret = external ? 'an external DATABASE_URL' : 'ANTHROPIC_API_KEY'
  return `SANDBOX=process without root would let agents read ${secret}: run the worker as root, use SANDBOX=docker, or set SANDBOX_UNSAFE=1.`
}
