/**
 * What a workspace holds, as a list that can be digested and compared. Source of the digest: api.graphql's Evaluation,
 * "SHA-256 of the sorted manifest of /workspace: path, kind, mode, size, content hash or link target".
 */
import { createHash } from 'node:crypto'

export type ManifestEntry = {
  /** Relative to /workspace, with `/` between names, never starting with one. */
  path: string
  kind: 'FILE' | 'DIRECTORY' | 'LINK' | 'OTHER'
  /** Permission bits, octal, four digits: "0644". */
  mode: string
  sizeBytes: number
  /** SHA-256 of a file's content in hex, a link's target, '' for the rest. */
  content: string
}
export type Manifest = ManifestEntry[]

/** Hex SHA-256 over the entries sorted by path (by code unit), one JSON array a line. */
export const digestManifest = (manifest: Manifest): string => {
  const hash = createHash('sha256')
  for (const entry of sortManifest(manifest))
    hash.update(`${JSON.stringify([entry.path, entry.kind, entry.mode, entry.sizeBytes, entry.content])}\n`)
  return hash.digest('hex')
}

export const sortManifest = (manifest: Manifest): Manifest => [...manifest].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
