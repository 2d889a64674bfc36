import { instanceOf } from '@longhaul/core/src/instance-of.ts'
import { createDocker } from '@longhaul/worker/src/sandboxes/docker/engine.ts'
import type { ContainerInfo } from 'dockerode'

/** Every container that belongs to the installation on this database. */
export const listSandboxes = (databaseUrl: string): Promise<ContainerInfo[]> => {
  const filters = { label: [`longhaul.instance=${instanceOf(databaseUrl)}`] }
  return createDocker(process.env['DOCKER_HOST']).listContainers({ all: true, filters })
}

export const removeSandboxes = async (databaseUrl: string): Promise<void> => {
  const docker = createDocker(process.env['DOCKER_HOST'])
  const containers = await listSandboxes(databaseUrl)
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })))
}
