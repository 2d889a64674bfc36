import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename, dirname } from 'node:path'
import { PassThrough, pipeline, type Readable } from 'node:stream'
import { isRoot, type SessionFolder } from './session-folder.ts'

/** As the agent's user, so that a link on the way leads nowhere that the agent could not go itself. Only the workspace as a whole is read as root: its files may be closed to their owner. */
const identityFor = (folder: SessionFolder, path: string) => (isRoot() && path !== folder.workspace ? folder.meta.owner : {})

/** A tar of a file or folder, names relative to its parent. */
export const packPath = (folder: SessionFolder, path: string): Readable => {
  const tar = spawn('tar', ['-C', dirname(path), '-cf', '-', '--', basename(path)], {
    env: folder.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...identityFor(folder, path),
  })
  const out = new PassThrough()
  let said = ''
  tar.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-500)
  })
  tar.stdout.pipe(out, { end: false })
  tar.on('error', (error) => out.destroy(error))
  // 1: a file changed while it was read, which a running agent may do.
  tar.on('close', (code) => (code === 0 || code === 1 ? out.end() : out.destroy(new Error(`tar could not read ${path}: ${said.trim()}`))))
  out.on('close', () => tar.kill('SIGKILL'))
  return out
}

/**
 * Unpacks as the agent's user: everything becomes its own, and nothing lands where it could not write. `strip` leaves that many names
 * of each entry out.
 */
export const unpackInto = async (
  folder: SessionFolder,
  path: string,
  { archive, strip = 0 }: { archive: Readable; strip?: number },
): Promise<void> => {
  const tar = spawn('tar', ['-C', path, '-xf', '-', '--no-same-owner', `--strip-components=${strip}`], {
    env: folder.environment,
    stdio: ['pipe', 'ignore', 'pipe'],
    ...(isRoot() ? folder.meta.owner : {}),
  })
  let said = ''
  let broken: Error | null = null
  tar.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-500)
  })
  pipeline(archive, tar.stdin, (error) => {
    broken = error ?? null
    if (error) tar.kill('SIGKILL')
  })
  const [code] = await once(tar, 'close')
  if (broken) throw broken
  if (code !== 0) throw new Error(`tar could not unpack: ${said.trim()}`)
}
