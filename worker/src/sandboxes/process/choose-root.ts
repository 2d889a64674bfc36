import { mkdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isRoot } from './session-folder.ts'

/**
 * Where sessions' folders lie: in the data folder, unless it lies where sessions' users can't get, such as below /root; then in
 * /var/tmp, which outlives a restart of the machine.
 */
export const chooseRoot = async (dataDir: string, instance: string): Promise<string> => {
  const wanted = resolve(dataDir, 'sandboxes')
  await mkdir(resolve(dataDir), { recursive: true })
  const root = isRoot() && !(await isOpenToAll(resolve(dataDir))) ? join('/var/tmp', `longhaul-sandboxes-${instance}`) : wanted
  await mkdir(root, { recursive: true, mode: 0o711 })
  const { uid, mode } = await stat(root)
  // /var/tmp is everyone's: someone may have made it first.
  if (uid !== (process.getuid?.() ?? uid) || (mode & 0o022) !== 0)
    throw new Error(`${root} belongs to someone else, or others may write there.`)
  return root
}

const isOpenToAll = async (path: string): Promise<boolean> => {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}
