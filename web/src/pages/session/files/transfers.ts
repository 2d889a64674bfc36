import { type Downloaded, download } from '../../../api/download.ts'
import type { Problem } from '../../../api/problem.ts'
import { createStore, type Store } from '../../../api/store.ts'
import { upload } from '../../../api/upload.ts'

export type Transfer = {
  id: number
  way: 'up' | 'down'
  path: string
  /** 0 to 1. */
  share: number
  state: 'going' | 'lost' | 'done' | 'failed'
  problem: Problem | null
  note: string | null
}

export type Transfers = {
  list: Pick<Store<readonly Transfer[]>, 'get' | 'subscribe'>
  send(file: File, folder: string): void
  fetch(path: string, kind: 'file' | 'folder'): void
  /** What failed is tried again. */
  again(id: number): void
  /** Stops it where it goes, and takes it off the list. */
  drop(id: number): void
}

/** Of each key and session, so that who looks at another view meanwhile finds them going on. */
const known = new WeakMap<object, Map<string, Transfers>>()

export const transfersOf = (owner: { key: string }, sessionId: string): Transfers => {
  const sessions = known.get(owner) ?? new Map<string, Transfers>()
  known.set(owner, sessions)
  const transfers = sessions.get(sessionId) ?? createTransfers(owner.key, sessionId)
  sessions.set(sessionId, transfers)
  return transfers
}

/** A browser sends no more than a few at once; the others wait for their turn. */
const AT_ONCE = 3

const createTransfers = (key: string, sessionId: string): Transfers => {
  const list = createStore<readonly Transfer[]>([])
  const runs = new Map<number, () => Promise<void>>()
  const stops = new Map<number, AbortController>()
  const waiting: number[] = []
  let last = 0
  let going = 0

  const change = (id: number, changed: Partial<Transfer>) =>
    list.set(list.get().map((transfer) => (transfer.id === id ? { ...transfer, ...changed } : transfer)))
  const goOn = () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const run = runs.get(id)
      if (run === undefined) continue
      going++
      void run().finally(() => {
        going--
        goOn()
      })
      if (going >= AT_ONCE) return
    }
  }
  const start = (id: number) => {
    waiting.push(id)
    if (going < AT_ONCE) goOn()
  }
  const add = (way: Transfer['way'], path: string, work: (hooks: Hooks) => Promise<{ problem: Problem | null; note?: string | null }>) => {
    const id = ++last
    list.set([{ id, way, path, share: 0, state: 'going', problem: null, note: null }, ...list.get()])
    runs.set(id, async () => {
      const stop = new AbortController()
      stops.set(id, stop)
      change(id, { state: 'going', problem: null })
      const { problem, note = null } = await work({
        signal: stop.signal,
        onProgress: (share) => change(id, { share, state: 'going' }),
        onLost: () => change(id, { state: 'lost' }),
      })
      change(id, problem ? { state: 'failed', problem } : { state: 'done', share: 1, note })
    })
    start(id)
  }
  return {
    list,
    send: (file, folder) => {
      const path = `${folder}/${file.name}`
      const kept = { address: null }
      add('up', path, async (hooks) => ({ problem: await upload(key, { sessionId, path, file, kept, ...hooks }) }))
    },
    fetch: (path, kind) =>
      add('down', path, async (hooks) => {
        const found = await download(key, { sessionId, path, kind, ...hooks })
        if (!('blob' in found)) return { problem: found }
        save(found, `${path.slice(path.lastIndexOf('/') + 1)}${kind === 'folder' ? '.tar.gz' : ''}`)
        const { leftOut } = found
        return { problem: null, note: leftOut === 0 ? null : toLeftOut(leftOut) }
      }),
    again: start,
    drop: (id) => {
      stops.get(id)?.abort()
      runs.delete(id)
      stops.delete(id)
      list.set(list.get().filter((transfer) => transfer.id !== id))
    },
  }
}

const toLeftOut = (count: number): string => (count === 1 ? 'one link or device was left out' : `${count} links and devices were left out`)

type Hooks = { signal: AbortSignal; onProgress: (share: number) => void; onLost: () => void }

/** The browser asks, or saves where it always does; it never opens what an agent wrote. */
const save = ({ blob }: Downloaded, name: string): void => {
  const address = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The click has taken hold of it only in the next round.
  setTimeout(() => URL.revokeObjectURL(address))
}
