import { toFileAddress, toRelative } from './file-address.ts'
import { OFFLINE, type Problem, toUnavailable } from './problem.ts'
import { readRefusal } from './read-refusal.ts'

type Options = {
  sessionId: string
  path: string
  file: File
  signal: AbortSignal
  onProgress: (share: number) => void
  onLost: () => void
  /** Where its pieces go, once there is such a place: who tries again goes on there. */
  kept: { address: string | null }
}

/** Above this a broken connection costs too much to begin again. */
const WHOLE_BYTES = 4 * 1_024 * 1_024
const PIECE_BYTES = 2 * 1_024 * 1_024
/** How long it waits after each break; what has come since begins the count anew. */
const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000]
const TUS = { 'tus-resumable': '1.0.0' }

/** Sends a file into a session's workspace, a large one in pieces. null: the platform has it, for good. */
export const upload = (key: string, options: Options): Promise<Problem | null> =>
  options.file.size <= WHOLE_BYTES ? putWhole(key, options) : sendPieces(key, options)

const putWhole = async (key: string, { sessionId, path, file, signal }: Options): Promise<Problem | null> => {
  const response = await send(toFileAddress(sessionId, path), { method: 'PUT', headers: toHeaders(key), body: file, signal })
  if (response === null) return OFFLINE
  return response.ok ? null : readRefusal(response)
}

/** By tus: the platform says how much of it is durable, and the rest is sent, however often the connection breaks. */
const sendPieces = async (key: string, options: Options): Promise<Problem | null> => {
  const { file, signal, kept, onProgress, onLost } = options
  // Of one that was begun before, only the platform knows how much has arrived.
  let offset: number | null = kept.address === null ? 0 : null
  const address = kept.address ?? (await begin(key, options))
  if (typeof address !== 'string') return address
  kept.address = address
  let breaks = 0
  let refused: { at: number; problem: Problem } | null = null
  while (!signal.aborted) {
    const response: Response | null =
      offset === null ? await askOffset(key, address, signal) : await sendPiece(key, address, { file, offset, signal })
    if (response?.ok) {
      const had = Number(response.headers.get('upload-offset'))
      if (refused?.at === had) return refused.problem
      if (offset !== null && had > offset) breaks = 0
      offset = had
      onProgress(offset / file.size)
      if (offset === file.size) return null
      continue
    }
    if (response?.status === 409 && offset !== null) {
      // Another offset than we thought; or the session is over, and it is the same one.
      refused = { at: offset, problem: await readRefusal(response) }
      offset = null
      continue
    }
    if (response?.status === 404) kept.address = null
    const waitMs = response !== null && !mayPass(response.status) ? undefined : WAITS_MS[breaks++]
    if (waitMs === undefined) return response === null ? OFFLINE : toRefusal(response)
    offset = null
    onLost()
    await wait(waitMs, signal)
  }
  return OFFLINE
}

/** Answers where the pieces go. */
const begin = async (key: string, { sessionId, path, file, signal }: Options): Promise<string | Problem> => {
  const headers = { ...toHeaders(key), ...TUS, 'upload-length': String(file.size), 'upload-metadata': `path ${toBase64(toRelative(path))}` }
  const response = await send(`/sessions/${sessionId}/uploads`, { method: 'POST', headers, signal })
  if (response === null) return OFFLINE
  if (!response.ok) return readRefusal(response)
  return response.headers.get('location') ?? toUnavailable(response.status)
}

const sendPiece = (key: string, address: string, piece: { file: File; offset: number; signal: AbortSignal }): Promise<Response | null> => {
  const { file, offset, signal } = piece
  const headers = { ...toHeaders(key), ...TUS, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) }
  return send(address, { method: 'PATCH', headers, body: file.slice(offset, offset + PIECE_BYTES), signal })
}

const askOffset = (key: string, address: string, signal: AbortSignal): Promise<Response | null> =>
  send(address, { method: 'HEAD', headers: { ...toHeaders(key), ...TUS }, signal })

/** null: nobody answered. */
const send = (address: string, init: RequestInit): Promise<Response | null> => fetch(address, init).catch(() => null)

const toHeaders = (key: string) => ({ authorization: `Bearer ${key}` })

/** Too much at once, or a part of the platform that is away. */
const mayPass = (status: number): boolean => status === 429 || status >= 500

/** How much is kept is answered without words. */
const toRefusal = (response: Response): Promise<Problem> | Problem =>
  response.status === 404
    ? {
        ...toUnavailable(404),
        code: 'NOT_FOUND',
        message: 'What had arrived of it is no longer kept. Try again: it is sent from its beginning.',
      }
    : readRefusal(response)

const toBase64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
