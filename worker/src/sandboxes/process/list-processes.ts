import { readdir, readFile, stat } from 'node:fs/promises'
import type { ListedProcess } from '../runner/find-agent-processes.ts'
import { isOurs } from './kill-processes.ts'
import { isRoot, type SessionFolder } from './session-folder.ts'

const MAX_ARGS = 100

/** Every process of a folder, by its user or its environment. None where the machine has no /proc: there nothing keeps it awake. */
export const listProcesses = async (folder: SessionFolder): Promise<ListedProcess[]> => {
  const listed: ListedProcess[] = []
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const found = await readProcess(Number(name), folder).catch(() => null) // it has ended meanwhile
    if (found !== null) listed.push(found)
  }
  return listed
}

const readProcess = async (pid: number, folder: SessionFolder): Promise<ListedProcess | null> => {
  const mine = isRoot() ? (await stat(`/proc/${pid}`)).uid === folder.meta.owner.uid : await isOurs(pid, folder)
  if (!mine) return null
  const [, state = '', ppid] = /\) (\S) (\d+)[^)]*$/.exec(await readFile(`/proc/${pid}/stat`, 'utf8')) ?? []
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
  return { pid, ppid: Number(ppid), state, args: words.slice(0, MAX_ARGS) }
}
