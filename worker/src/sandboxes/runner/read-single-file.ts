import { pipeline, type Readable } from 'node:stream'
import { extract } from 'tar-stream'

/** The bytes of a tar's first entry, where it is a plain file: the agent could have put a link or a folder in its place. */
export const readSingleFile = (tar: Readable): Promise<Readable | null> => {
  const { promise, resolve, reject } = Promise.withResolvers<Readable | null>()
  const entries = extract()
  let seen = false
  entries.on('entry', (header, body, next) => {
    const wanted = !seen && header.type === 'file'
    seen = true
    if (wanted) resolve(body as unknown as Readable)
    else {
      resolve(null)
      body.resume()
    }
    body.on('end', next)
  })
  pipeline(tar, entries as unknown as NodeJS.WritableStream, (error) => {
    if (error) reject(error)
    else resolve(null)
  })
  return promise
}
