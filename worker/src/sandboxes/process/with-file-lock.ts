import { open, readFile, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 20

/** One at a time on this machine, whichever process they are in. A dead holder's lock is taken over. */
export const withFileLock = async <T>(path: string, act: () => Promise<T>): Promise<T> => {
  while (!(await takeLock(path))) await sleep(pollMs)
  try {
    return await act()
  } finally {
    await rm(path, { force: true })
  }
}

const takeLock = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(String(process.pid))
    await file.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const holder = Number(await readFile(path, 'utf8').catch(() => ''))
  if (holder > 0 && holder !== process.pid && !isAlive(holder)) await rm(path, { force: true })
  return false
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
