import type { Container } from 'dockerode'
import { askEngine, statusOf } from './engine.ts'

/** Go's bit for a symbolic link in a file's mode. */
const SYMLINK = 0x8000000

/**
 * Whether a folder on the way to a path of the workspace is a link. The engine would follow it, within the container's file system, and
 * who looks into a workspace must see nothing else. The agent may plant one between this and the reading: it then shows what it could
 * have copied there.
 */
export const isBelowLink = async (container: Container, path: string): Promise<boolean> => {
  const names = path.split('/').slice(1)
  for (let depth = 2; depth < names.length; depth++) {
    const at = `/${names.slice(0, depth).join('/')}`
    try {
      const answer = (await askEngine(() => container.infoArchive({ path: at }))) as { headers: Record<string, string | undefined> }
      const stat = JSON.parse(Buffer.from(answer.headers['x-docker-container-path-stat'] ?? '', 'base64').toString()) as { mode: number }
      if ((stat.mode & SYMLINK) !== 0) return true
    } catch (error) {
      if (statusOf(error) === 404) return false // the reading will find nothing either
      throw error
    }
  }
  return false
}
