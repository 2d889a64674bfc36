import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import path from 'node:path'
import { everydayEvent } from '../platform/claimed-sessions.ts'
import { root } from '../platform/start-bench-database.ts'

export type DurableStreams = { append(stream: number): Promise<void>; stop(): Promise<void> }

/** The peer: durable-streams' own server, with files, in a process of its own as its users run it; its files beside our database's. */
export const openDurableStreams = async (streams: number): Promise<DurableStreams> => {
  await mkdir(path.join(root, '.longhaul'), { recursive: true }) // a clean clone has none
  const dataDir = await mkdtemp(path.join(root, '.longhaul', 'streams-'))
  const child = fork(path.join(import.meta.dirname, 'durable-streams-main.ts'), [dataDir], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [url] = (await once(child, 'message')) as [string]
  const agent = new Agent({ keepAlive: true, maxSockets: streams })
  const body = Buffer.from(JSON.stringify({ ...everydayEvent, payload: { ...everydayEvent.payload, v: 1 } }))
  for (let stream = 0; stream < streams; stream++) await send(agent, `${url}/sessions/${stream}`, 'PUT')
  return {
    append: (stream) => send(agent, `${url}/sessions/${stream}`, 'POST', body),
    stop: async () => {
      agent.destroy()
      child.kill('SIGTERM')
      await once(child, 'exit')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** By the least costly client there is, so that what is measured is the server. */
const send = (agent: Agent, url: string, method: string, body?: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const sent = request(
      url,
      { agent, method, headers: { 'content-type': 'application/json', 'content-length': body?.length ?? 0 } },
      (response) => {
        response.resume()
        response.once('end', () => {
          const status = response.statusCode ?? 0
          if (status >= 200 && status < 300) resolve()
          else reject(new Error(`${method} ${url}: ${status}`))
        })
      },
    )
    sent.once('error', reject)
    sent.end(body)
  })
