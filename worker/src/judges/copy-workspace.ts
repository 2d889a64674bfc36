import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { digestManifest, type Manifest } from '@longhaul/core/src/conditions/manifest.ts'
import { openNameless, readRange } from '../files/nameless-file.ts'
import { readArchiveFile } from '../workspace/read-archive-file.ts'
import { readManifest } from '../workspace/read-manifest.ts'

/** The workspace at one moment: every condition of a round is judged on the same bytes. */
export type WorkspaceCopy = {
  manifest: Manifest
  digest: string
  /** The tar it was copied as; may be read more than once, also at the same time. */
  open(): Readable
  /** Throws where there is no regular file of at most so many bytes. */
  readFile(path: string, maxBytes: number): Promise<Buffer>
  close(): Promise<void>
}

export class WorkspaceTooLargeError extends Error {}

/** What a tar adds to its files: a header and padding for each, and its end. */
const OVERHEAD = 1.25

/**
 * Spools a tar of /workspace to a file without a name, so that a killed worker leaves nothing behind. Throws WorkspaceTooLargeError above
 * `maxBytes` of content, and with the signal's reason when it aborts.
 */
export const copyWorkspace = async (
  tar: Readable,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): Promise<WorkspaceCopy> => {
  const file = await openNameless()
  try {
    await pipeline(tar, (chunks: AsyncIterable<Buffer>) => spool(chunks, file, maxBytes), { signal })
    const openTar = () => Readable.from(readRange(file, { position: 0, size: Number.POSITIVE_INFINITY }), { objectMode: false })
    const manifest = await readManifest(openTar())
    return {
      manifest,
      digest: digestManifest(manifest),
      open: openTar,
      readFile: (wanted, limit) => readArchiveFile(openTar(), wanted, limit),
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    signal.throwIfAborted()
    throw error
  }
}

const spool = async (chunks: AsyncIterable<Buffer>, file: FileHandle, maxBytes: number): Promise<void> => {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxBytes * OVERHEAD) {
      throw new WorkspaceTooLargeError(`It holds more than the ${Math.round(maxBytes / 2 ** 20)} MB that this environment allows.`)
    }
    await file.writeFile(chunk)
  }
}
