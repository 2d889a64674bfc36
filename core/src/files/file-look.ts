/**
 * Owns how somebody looks into a session's files: the api asks in a row, a worker of the engine that holds the sandbox answers in it.
 * What it shows is the agent's own word. Must never wake a sandbox or wait for a turn.
 */
export type FileKind = 'FILE' | 'DIRECTORY' | 'LINK' | 'OTHER'

/** `path` is absolute, below /workspace. `mode` is four octal digits. */
export type FileEntry = { path: string; kind: FileKind; sizeBytes: number; mode: string; modifiedAt: string }

/** Exactly one of text and base64, but for an empty file. Cut at MAX_FILE_BYTES. */
export type FileContent = { path: string; sizeBytes: number; text: string | null; base64: string | null; truncated: boolean }

/** `path` as in FileEntry. `patch` is unified; null for what is binary, too large, or another kind of thing. */
export type FileDiff = { path: string; change: 'ADDED' | 'MODIFIED' | 'DELETED'; patch: string | null }

/** By path: those after this one, at most so many. */
export type DiffPage = { after: string | null; first: number }

/** Bytes that were put into the snapshot store for whoever downloads them. `leftOut`: what a tar of a folder does not hold. */
export type StoredDownload = { contentHash: string; sizeBytes: number; leftOut: number }

/** elsewhere: the files lie on an engine that this worker can't reach, and are not stored yet. */
export type FileLookAnswer =
  | { entries: FileEntry[] }
  | { file: FileContent }
  | { changes: FileDiff[]; more: boolean }
  | { stored: StoredDownload }
  | { problem: FileProblem }

export type FileProblem = 'not_found' | 'unreadable' | 'elsewhere' | 'is_folder' | 'too_large'

/** list and read are answered in the row, as is diff; fetch (a file), pack and pack_gz (a folder) through the snapshot store. */
export type FileLookOp = 'list' | 'read' | FetchOp
export type FetchOp = 'fetch' | 'pack' | 'pack_gz'

export const MAX_FILE_BYTES = 1_000_000
export const MAX_ENTRIES = 10_000

/** Normalised and absolute, or null for what does not lie in /workspace. */
export const toAbsoluteWorkspacePath = (path: string): string | null => {
  if (path.includes('\0')) return null
  const parts: string[] = []
  for (const part of (path.startsWith('/') ? path : `/workspace/${path}`).split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') return null
    parts.push(part)
  }
  return parts[0] === 'workspace' ? `/${parts.join('/')}` : null
}

export const toFileContent = (path: string, bytes: Buffer, sizeBytes: number): FileContent => {
  const truncated = sizeBytes > bytes.length
  const text = decodeText(bytes, truncated)
  return { path, sizeBytes, text, base64: text === null ? bytes.toString('base64') : null, truncated }
}

/** Null for what is not UTF-8 text. Where it was cut, the last code point may be incomplete and is left out. */
const decodeText = (bytes: Buffer, truncated: boolean): string | null => {
  if (bytes.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: truncated })
  } catch {
    return null // not text
  }
}
