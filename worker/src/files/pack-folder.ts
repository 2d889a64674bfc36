import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { packArchive } from '@longhaul/core/src/archives/pack-archive.ts'
import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import type { Header } from 'tar-stream'
import { openNameless, readRange } from './nameless-file.ts'

export class TooLargeToDownloadError extends Error {}

export type PackedFolder = { bytes: Readable; leftOut: number; close(): Promise<void> }

type Kept = { header: Header; position: number; size: number }

/**
 * A folder as a tar for a person's machine, from the engine's own: sorted, without owners, so that the same files give the same bytes
 * and a download can be gone on with. Left out is what could do harm where it is unpacked: links that lead out of it, devices. A hard
 * link becomes a file. Null where there is nothing to give.
 */
export const packFolder = async (tar: Readable, { gzip, maxBytes }: { gzip: boolean; maxBytes: number }): Promise<PackedFolder | null> => {
  const file = await openNameless()
  try {
    const found = new Map<string, Kept>()
    let entries = 0
    let written = 0
    await walkArchive(tar, async (entry) => {
      const { header } = entry
      const name = toName(header.name)
      entries++
      if (name === null) return
      const kept: Kept = { header, position: written, size: 0 }
      if (isFile(header)) {
        for await (const chunk of entry as AsyncIterable<Buffer>) {
          await file.write(chunk, 0, chunk.length, written)
          written += chunk.length
          if (written > maxBytes) throw new TooLargeToDownloadError(`more than ${maxBytes} bytes`)
        }
        kept.size = written - kept.position
      } else if (header.type === 'link') {
        const target = found.get(toName(header.linkname ?? '') ?? '')
        if (target === undefined) return
        Object.assign(kept, { position: target.position, size: target.size })
      } else if (!(header.type === 'directory' || (header.type === 'symlink' && staysInside(name, header.linkname ?? '')))) return
      found.set(name, kept)
    })
    if (found.size === 0) {
      await file.close()
      return null
    }
    const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1))
    const packed = packArchive(async (out) => {
      for (const [name, { header, position, size }] of sorted) {
        const common = { name, mode: (header.mode ?? 0o644) & 0o777, mtime: header.mtime ?? new Date(0) }
        if (header.type === 'directory') await out.write({ ...common, type: 'directory' })
        else if (header.type === 'symlink') await out.write({ ...common, type: 'symlink', linkname: header.linkname ?? '' })
        else await out.write({ ...common, type: 'file', size }, readRange(file, { position, size }))
      }
    })
    const bytes = gzip ? Readable.from(packed.pipe(createGzip())) : packed
    return { bytes, leftOut: entries - found.size, close: () => file.close() }
  } catch (error) {
    await file.close()
    throw error
  }
}

const isFile = ({ type }: Header): boolean => type === 'file' || type === 'contiguous-file'

/** Null for what no engine gives. */
const toName = (name: string): string | null => {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  return name.startsWith('/') || parts.length === 0 || parts.includes('..') ? null : parts.join('/')
}

/** Up first, as far as the folder that is packed, then down. */
const staysInside = (name: string, linkname: string): boolean => {
  const parts = linkname.split('/').filter((part) => part !== '' && part !== '.')
  const down = parts.findIndex((part) => part !== '..')
  const ups = down === -1 ? parts.length : down
  return linkname !== '' && !linkname.startsWith('/') && ups < name.split('/').length - 1 && !parts.slice(ups).includes('..')
}
