import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** A body that brings nothing for so long has been left. */
const STALL_MS = 60_000

/**
 * A body as a stream that may be given up: the connection stays, so that the refusal still reaches who sends. `keepPart`: where the
 * connection breaks, what came until then is all there is; else it is an error.
 */
export const readBody = (request: IncomingMessage, { keepPart = false }: { keepPart?: boolean } = {}): Readable =>
  Readable.from(readChunks(request, keepPart), { objectMode: false })

async function* readChunks(request: IncomingMessage, keepPart: boolean): AsyncGenerator<Buffer> {
  const stalled = setTimeout(() => request.destroy(new Error('the body stalled')), STALL_MS)
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      stalled.refresh()
      yield chunk as Buffer
    }
  } catch (error) {
    if (!keepPart) throw error
    // Broken off: what came is kept, and the sender asks how far it got.
  } finally {
    clearTimeout(stalled)
  }
}
