import { instanceOf } from '@longhaul/core/src/instance-of.ts'
import { createDocker } from '@longhaul/worker/src/sandboxes/docker/engine.ts'
import type { ContainerInfo } from 'dockerode'

/** Every container that belongs to the installation on this database. */
export const listSandboxes = (databaseUrl: string): Promise<ContainerInfo[]> => {
  const filters = { label: [`longhaul.instance=${instanceOf(databaseUrl)}`] }
  return createDocker(process.env['DOCKER_HOST']).listContainers({ all: true, filters })
}

/** With the images that checkpoints were kept as: each holds all that its session had changed. */
export const removeSandboxes = async (databaseUrl: string): Promise<void> => {
  const docker = createDocker(process.env['DOCKER_HOST'])
  const containers = await listSandboxes(databaseUrl)
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })))
  const filters = { label: [`longhaul.instance=${instanceOf(databaseUrl)}`] }
  // One that another is made from goes after that one.
  for (let left = Number.POSITIVE_INFINITY; ; ) {
    const images = await docker.listImages({ filters })
    if (images.length === 0 || images.length >= left) return
    left = images.length
    for (const { Id } of images) await docker.getImage(Id).remove({ force: true }).catch(ignoreParent)
  }
}

const ignoreParent = (error: { statusCode?: number }): void => {
  if (error.statusCode !== 409 && error.statusCode !== 404) throw error
}
