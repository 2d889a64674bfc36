import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

const containers = z.array(
  z.object({ Id: z.string(), Names: z.array(z.string()), Created: z.number(), Labels: z.record(z.string(), z.string()) }),
)

export type FoundContainer = {
  id: string
  sessionId: string
  tenantId: string
  kind: string
  /** Which installation it belongs to. */
  instance: string
  /** Who made a `warm` one, which is no session's yet. */
  workerId: string
  createdAtMs: number
}

/** A sandbox that was made ahead has this name until it is a session's, and then that session's, which no label of it says. */
const WARM_NAME = '/longhaul-warm-'
const SANDBOX_NAME = '/longhaul-'

/**
 * Every container that carries a session's label, stopped ones too. Asks the engine's own HTTP API, over a socket (unix://…) or TCP
 * (tcp://, http://): core has no Docker client, and one GET needs none.
 */
export const listContainers = async (dockerHost: string): Promise<FoundContainer[]> => {
  const filters = encodeURIComponent(JSON.stringify({ label: ['longhaul.session'] }))
  const found = containers.parse(JSON.parse(await get(dockerHost, `/containers/json?all=1&filters=${filters}`)))
  return found.map(({ Id, Names: [name = ''], Created, Labels }) => {
    const kind = Labels['longhaul.kind'] ?? 'sandbox'
    const isTaken = kind === 'warm' && !name.startsWith(WARM_NAME)
    return {
      id: Id.slice(0, 12),
      sessionId: isTaken ? name.slice(SANDBOX_NAME.length) : (Labels['longhaul.session'] ?? ''),
      tenantId: Labels['longhaul.tenant'] ?? '',
      kind: isTaken ? 'sandbox' : kind,
      instance: Labels['longhaul.instance'] ?? '',
      workerId: Labels['longhaul.worker'] ?? '',
      createdAtMs: Created * 1000,
    }
  })
}

const images = z.array(
  z.object({ Id: z.string(), Created: z.number(), Labels: z.record(z.string(), z.string()), RepoTags: z.array(z.string()).nullable() }),
)

export type FoundImage = { id: string; checkpointId: string; tenantId: string; createdAtMs: number }

/** Every image that keeps a checkpoint's files. One without a name is another's parent, and goes with it. */
export const listCheckpointImages = async (dockerHost: string): Promise<FoundImage[]> => {
  const filters = encodeURIComponent(JSON.stringify({ label: ['longhaul.kind=checkpoint'], dangling: ['false'] }))
  const found = images.parse(JSON.parse(await get(dockerHost, `/images/json?filters=${filters}`)))
  return found.map(({ Id, Created, Labels }) => ({
    id: Id.slice('sha256:'.length, 'sha256:'.length + 12),
    checkpointId: Labels['longhaul.checkpoint'] ?? '',
    tenantId: Labels['longhaul.tenant'] ?? '',
    createdAtMs: Created * 1000,
  }))
}

export type FoundSetUp = { id: string; key: string; tenantId: string }

/** Every image in which an environment's set-up has run. */
export const listSetUpImages = async (dockerHost: string): Promise<FoundSetUp[]> => {
  const filters = encodeURIComponent(JSON.stringify({ label: ['longhaul.kind=setup'], dangling: ['false'] }))
  const found = images.parse(JSON.parse(await get(dockerHost, `/images/json?filters=${filters}`)))
  return found.map(({ Id, Labels }) => ({
    id: Id.slice('sha256:'.length, 'sha256:'.length + 12),
    key: Labels['longhaul.key'] ?? '',
    tenantId: Labels['longhaul.tenant'] ?? '',
  }))
}

/** Every container in which a set-up runs, or ran. */
export const listBuildContainers = async (dockerHost: string): Promise<{ id: string; buildId: string; tenantId: string }[]> => {
  const filters = encodeURIComponent(JSON.stringify({ label: ['longhaul.kind=build'] }))
  const found = containers.parse(JSON.parse(await get(dockerHost, `/containers/json?all=1&filters=${filters}`)))
  return found.map(({ Id, Labels }) => ({
    id: Id.slice(0, 12),
    buildId: Labels['longhaul.build'] ?? '',
    tenantId: Labels['longhaul.tenant'] ?? '',
  }))
}

/** Whether an engine answers there. */
export const isEngineReachable = async (dockerHost: string): Promise<boolean> =>
  get(dockerHost, '/_ping').then(
    () => true,
    () => false, // whatever keeps it from answering, there is nothing to ask
  )

const get = (dockerHost: string, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const url = new URL(dockerHost)
    const address =
      url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: url.port === '' ? 2375 : Number(url.port) }
    const asked = request({ ...address, path, method: 'GET', headers: { host: 'docker' }, timeout: 10_000 }, (response) => {
      text(response).then(
        (body) =>
          response.statusCode === 200 ? resolve(body) : reject(new Error(`the engine at ${dockerHost} answered ${response.statusCode}`)),
        reject,
      )
    })
    asked.on('timeout', () => asked.destroy(new Error(`the engine at ${dockerHost} does not answer`)))
    asked.on('error', reject)
    asked.end()
  })
