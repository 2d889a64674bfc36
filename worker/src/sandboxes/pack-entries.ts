import { buffer } from 'node:stream/consumers'
import { type Header, pack } from 'tar-stream'

export type TarEntry = { header: Partial<Header> & { name: string }; content?: string | Buffer }

/** A tar of a few small entries, whole in memory. */
export const packEntries = (entries: TarEntry[]): Promise<Buffer> => {
  const tar = pack()
  for (const { header, content } of entries) tar.entry(header, content ?? '')
  tar.finalize()
  return buffer(tar)
}
