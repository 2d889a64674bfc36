import { once } from 'node:events'
import { Readable } from 'node:stream'
import { type Header, type Pack, pack } from 'tar-stream'

export type TarWriter = {
  /** Writes one entry, and returns once its reader has taken it. `content` is what a file holds: `header.size` bytes, or a buffer. */
  write(header: Partial<Header> & { name: string }, content?: AsyncIterable<unknown> | Buffer): Promise<void>
}

/** A tar that is made while it is read. What `fill` throws is the stream's error. */
export const packArchive = (fill: (out: TarWriter) => Promise<void>): Readable => {
  const tar = pack()
  // Its reader hears of it, also one that begins to read later.
  tar.on('error', () => {})
  const write: TarWriter['write'] = async (header, content) => {
    const isFile = header.type === undefined || header.type === 'file' || header.type === 'contiguous-file'
    const size = isFile ? (Buffer.isBuffer(content) ? content.length : (header.size ?? 0)) : 0
    const name = header.type === 'directory' ? `${header.name.replace(/\/+$/, '')}/` : header.name
    const { promise: written, resolve, reject } = Promise.withResolvers<void>()
    // `pax` would repeat the old name over the new one.
    const sink = tar.entry({ ...header, name, size, pax: null }, (error) => (error ? reject(error) : resolve()))
    written.catch(() => {})
    sink.on('error', () => {}) // it is told to the callback too
    if (isFile) {
      if (Buffer.isBuffer(content)) sink.write(content)
      else if (content) for await (const chunk of content) if (!sink.write(chunk)) await drained(sink)
      sink.end(null)
    }
    await written
  }
  fill({ write }).then(
    () => tar.finalize(),
    (error: Error) => tar.destroy(error),
  )
  return Readable.from(tar, { objectMode: false })
}

/** Throws when the reader has given up: nothing would ever drain. */
const drained = async (sink: ReturnType<Pack['entry']>): Promise<void> => {
  const heard = new AbortController()
  await Promise.race(
    ['drain', 'close'].map((event) =>
      once(sink as unknown as NodeJS.EventEmitter, event, { signal: heard.signal }).catch(
        (error: Error) => heard.signal.aborted || Promise.reject(error),
      ),
    ),
  )
  heard.abort()
  if (sink.destroyed) throw new Error('The archive was given up by its reader.')
}
