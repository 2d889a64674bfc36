import { createDocker } from '@longhaul/worker/src/sandboxes/docker/engine.ts'
import { instanceOf } from '@longhaul/worker/src/sandboxes/open-sandbox-provider.ts'

/** Every container that belongs to the installation on this database. */
export const removeSandboxes = async (databaseUrl: string): Promise<void> => {
  const docker = createDocker(process.env['DOCKER_HOST'])
  const filters = { label: [`longhaul.instance=${instanceOf(databaseUrl)}`] }
  const containers = await docker.listContainers({ all: true, filters })
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })))
}
