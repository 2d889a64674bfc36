import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

export type Resources = { timers: number; sockets: number; residentBytes: number }

/** For a worker that `readResources` is to ask. */
export const tellingEnv = (place: string): Record<string, string> => ({
  NODE_OPTIONS: `--expose-gc --import=${pathToFileURL(new URL('tell-resources.ts', import.meta.url).pathname).href}`,
  RESOURCES_FILE: place,
})

const LOOK_MS = 20
const PATIENCE_MS = 20_000

/** What a process holds open at this moment, after its garbage is collected. */
export const readResources = async (pid: number, place: string): Promise<Resources> => {
  await rm(place, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(LOOK_MS)) {
    const told = await readFile(place, 'utf8').catch(() => null) // not yet
    if (told !== null) return { ...(JSON.parse(told) as Omit<Resources, 'sockets'>), sockets: await countSockets(pid) }
  }
  throw new Error(`process ${pid} did not tell what it holds`)
}

/** To database, queue, engine and model. */
const countSockets = async (pid: number): Promise<number> => {
  const folder = `/proc/${pid}/fd`
  const open = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => ''))) // closed meanwhile
  return open.filter((target) => target.startsWith('socket:')).length
}
