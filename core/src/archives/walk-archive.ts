import { pipeline, type Readable } from 'node:stream'
import { type ExtractEvents, extract } from 'tar-stream'

export type Entry = ExtractEvents['entry'][1]

/**
 * Gives each entry of a tar to `visit`, one after the other; what `visit` leaves unread is skipped. The source is destroyed when
 * `visit` throws, or answers 'stop'.
 */
export const walkArchive = async (tar: Readable, visit: (entry: Entry) => Promise<unknown>): Promise<void> => {
  const entries = extract()
  // The loop below sees the error that this ends with.
  pipeline(tar, entries as unknown as NodeJS.WritableStream, () => {})
  try {
    for await (const entry of entries) {
      // What ends the tar ends its entry too: the loop sees it, and one that nobody reads must not end the process.
      entry.on('error', () => {})
      if ((await visit(entry)) === 'stop') break
      entry.resume()
    }
  } finally {
    tar.destroy()
  }
}
