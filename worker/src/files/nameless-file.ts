import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const CHUNK_BYTES = 64 * 1024

/** A file that nobody can find and that is gone with its last handle: a killed worker leaves nothing behind. */
export const openNameless = async (): Promise<FileHandle> => {
  const name = path.join(tmpdir(), `longhaul-copy-${randomUUID()}`)
  const file = await open(name, 'wx+', 0o600)
  await unlink(name)
  return file
}

/** Not createReadStream: destroying one of those closes the file for all others, whatever `autoClose` says. */
export async function* readRange(file: FileHandle, { position, size }: { position: number; size: number }): AsyncGenerator<Buffer> {
  const end = position + size
  for (let at = position; at < end; ) {
    const length = Math.min(CHUNK_BYTES, end - at)
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(length), position: at, length })
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
