import { open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const lockFile = join(tmpdir(), 'longhaul-sandbox-image.lock')
const pollMs = 500

/** One build at a time on this machine: two at once would each take a minute of both cores. A dead builder's lock is taken over. */
export const withBuildLock = async <T>(onProgress: (line: string) => void, build: () => Promise<T>): Promise<T> => {
  let told = false
  while (!(await takeLock())) {
    if (!told) onProgress('another process builds the sandbox image: waiting for it')
    told = true
    await sleep(pollMs)
  }
  try {
    return await build()
  } finally {
    await rm(lockFile, { force: true })
  }
}

const takeLock = async (): Promise<boolean> => {
  try {
    const file = await open(lockFile, 'wx')
    await file.writeFile(String(process.pid))
    await file.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const holder = Number(await readFile(lockFile, 'utf8').catch(() => ''))
  if (holder > 0 && !isAlive(holder)) await rm(lockFile, { force: true })
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
