import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRoot, type SessionFolder } from './session-folder.ts'

/** A killed process is still there for a moment; one that hangs in the kernel may be for longer. */
const dyingMs = 10
const maxAttempts = 100

/** Ends every process of a folder: by its user, or, where all are the worker's own, by their environment and groups. */
export const killProcesses = async (folder: SessionFolder): Promise<void> => {
  if (isRoot()) {
    // As that user: the kernel picks the processes, also those that start meanwhile. It fails once there are none.
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const killer = spawn('sh', ['-c', 'kill -KILL -1'], { ...folder.meta.owner, env: {}, stdio: 'ignore' })
      const [code] = await once(killer, 'exit')
      if (code !== 0) return
      await sleep(dyingMs)
    }
    return
  }
  for (const pid of await findProcesses(folder)) {
    for (const target of [-pid, pid]) {
      try {
        process.kill(target, 'SIGKILL')
      } catch {
        // It ended by itself, or leads no group.
      }
    }
  }
}

const findProcesses = async (folder: SessionFolder): Promise<number[]> => {
  const found = new Set<number>()
  for (const name of [
    'pid',
    ...(await readdir(folder.calls).catch(() => [])).filter((file) => file.endsWith('.pid')).map((file) => join('calls', file)),
  ]) {
    const pid = Number((await readFile(join(folder.path, name), 'utf8').catch(() => '')).split(' ')[0])
    if (Number.isSafeInteger(pid) && pid > 1 && (await isOurs(pid, folder))) found.add(pid)
  }
  for (const name of await readdir('/proc').catch(() => [])) {
    if (/^\d+$/.test(name) && Number(name) !== process.pid && (await isOurs(Number(name), folder))) found.add(Number(name))
  }
  return [...found]
}

/** Where all are the worker's own user's, the environment that they began with says whose they are. */
export const isOurs = async (pid: number, folder: SessionFolder): Promise<boolean> => {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return environment.includes(`WORKSPACE=${folder.workspace}\0`)
}
