import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { digestManifest } from '@longhaul/core/src/conditions/manifest.ts'
import { readManifest } from './read-manifest.ts'

/** `digest` is known once `tar` has been read. */
export type Baseline = { digest: Promise<string>; tar: Readable }

/** How a workspace is before the agent comes: its manifest's digest, taken while the one archive of it streams by. */
export const readBaseline = async (getArchive: () => Promise<Readable>): Promise<Baseline> => {
  const archive = await getArchive()
  const copy = new PassThrough().on('error', () => {})
  const digest = readManifest(copy).then(digestManifest)
  // Whoever reads the tar hears of it too, and then asks for the digest.
  digest.catch(() => {})
  return { digest, tar: Readable.from(copyInto(archive, { copy, digest }), { objectMode: false }) }
}

async function* copyInto(archive: Readable, { copy, digest }: { copy: PassThrough; digest: Promise<string> }): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of archive as AsyncIterable<Buffer>) {
      if (!copy.write(chunk) && !copy.destroyed) await Promise.race([once(copy, 'drain'), once(copy, 'close')])
      // Nobody reads it to its end but who finds it against the rules, and has said so.
      if (copy.destroyed) await digest
      yield chunk
    }
    copy.end()
  } finally {
    if (!copy.writableEnded) copy.destroy(new Error('the archive broke off'))
  }
}

/** To read an archive out of a container takes the engine longer than to start one. */
const maxKept = 200
const maxKeptBytes = 65_536

/** What is in the workspace of a new sandbox that nothing was put into, by what it was made from. Small ones only: most are empty. */
export class UntouchedBaselines {
  readonly #kept = new Map<string, { digest: string; bytes: Buffer }>()

  async of(madeFrom: string, read: () => Promise<Baseline>): Promise<Baseline> {
    const known = this.#kept.get(madeFrom)
    if (known !== undefined) return { digest: Promise.resolve(known.digest), tar: Readable.from([known.bytes]) }
    const { digest, tar } = await read()
    return { digest, tar: Readable.from(this.#keep(madeFrom, { digest, tar }), { objectMode: false }) }
  }

  async *#keep(madeFrom: string, { digest, tar }: Baseline): AsyncGenerator<Buffer> {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes <= maxKeptBytes) chunks.push(chunk)
      yield chunk
    }
    if (bytes > maxKeptBytes) return
    if (this.#kept.size >= maxKept) this.#kept.clear()
    this.#kept.set(madeFrom, { digest: await digest, bytes: Buffer.concat(chunks) })
  }
}
