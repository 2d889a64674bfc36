import { instanceOf } from '@longhaul/core/src/instance-of.ts'
import { createDocker } from '@longhaul/worker/src/sandboxes/docker/engine.ts'

/** The bytes that these sessions have on the engine's disk for themselves: their containers' own layers, and what images were kept of them. */
export const measureLayers = async (databaseUrl: string, sessionIds: string[]): Promise<number> => {
  const docker = createDocker(process.env['DOCKER_HOST'])
  const filters = { label: [`longhaul.instance=${instanceOf(databaseUrl)}`] }
  const isTheirs = ({ Labels }: { Labels: Record<string, string> }): boolean => sessionIds.includes(Labels['longhaul.session'] ?? '')
  const containers = (await docker.listContainers({ all: true, size: true, filters })) as unknown as {
    Labels: Record<string, string>
    SizeRw?: number
  }[]
  const images = await docker.listImages({ filters })
  if (images.some(isTheirs)) throw new Error('an image was kept of a session that nobody asked a checkpoint of')
  return containers.filter(isTheirs).reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0)
}
