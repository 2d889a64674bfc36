import type { Readable } from 'node:stream'
import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import { ArchiveGuard, toWorkspacePath, WorkspaceArchiveError } from './archive-guard.ts'

/** One regular file of an archive of /workspace. Throws WorkspaceArchiveError where there is none of at most `maxBytes`. */
export const readArchiveFile = async (tar: Readable, path: string, maxBytes: number): Promise<Buffer> => {
  const wanted = toWorkspacePath(path)
  const guard = new ArchiveGuard()
  let content: Buffer | null = null
  await walkArchive(tar, async (entry) => {
    if (guard.check(entry.header, 1) !== wanted) return
    if (entry.header.type !== 'file') throw new WorkspaceArchiveError(`${JSON.stringify(path)} is no regular file.`)
    if ((entry.header.size ?? 0) > maxBytes) throw new WorkspaceArchiveError(`${JSON.stringify(path)} is larger than ${maxBytes} bytes.`)
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    content = Buffer.concat(chunks)
    return 'stop'
  })
  if (content === null) throw new WorkspaceArchiveError(`There is no file ${JSON.stringify(path)}.`)
  return content
}
