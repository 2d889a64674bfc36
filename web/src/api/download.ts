import { toFileAddress } from './file-address.ts'
import { OFFLINE, type Problem } from './problem.ts'
import { readRefusal } from './read-refusal.ts'

type Options = { sessionId: string; path: string; kind: 'file' | 'folder'; signal: AbortSignal; onProgress: (share: number) => void }

/** What was fetched, to be saved; `leftOut`: entries of a folder that no archive can hold. */
export type Downloaded = { blob: Blob; leftOut: number }

/** A file, or a folder as a tar.gz. The key goes in a header, so the bytes go through the page, and into no address. */
export const download = async (key: string, options: Options): Promise<Downloaded | Problem> => {
  const { sessionId, path, kind, signal, onProgress } = options
  try {
    const address = toFileAddress(sessionId, path) + (kind === 'folder' ? '?archive=tar.gz' : '')
    const response = await fetch(address, { headers: { authorization: `Bearer ${key}` }, signal })
    if (!response.ok || response.body === null) return await readRefusal(response)
    const length = Number(response.headers.get('content-length') ?? 0)
    let had = 0
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (piece, out) => {
          had += piece.length
          if (length > 0) onProgress(had / length)
          out.enqueue(piece)
        },
      }),
    )
    const blob = await new Response(counted).blob()
    return { blob, leftOut: Number(response.headers.get('x-longhaul-left-out') ?? 0) }
  } catch {
    return OFFLINE // nobody answered, or the connection broke in the middle
  }
}
