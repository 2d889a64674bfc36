/** What one request may ask for. The same figures hold on HTTP and on the WebSocket; a caller who needs more asks twice. */
export const LIMITS = {
  /** A request's JSON, and a frame's. Files of a session's resources travel in it. */
  bodyBytes: 8 * 1024 * 1024,
  /** A document's text. */
  queryBytes: 100_000,
  tokens: 4_000,
  /** Field selections, each fragment counted where it is used. */
  fields: 600,
  /** Introspection as tools send it has 15. */
  depth: 16,
  aliases: 50,
  directives: 50,
  /** Objects that may be read, lists taken at their full page. */
  cost: 20_000,
  subscriptionsPerSocket: 100,
  /** A socket that says nothing is closed. */
  connectionInitMs: 3_000,
  /** Bytes that wait in a socket before its reader counts as slow. */
  socketBufferBytes: 1024 * 1024,
} as const

/** A list without a page size counts as so many. */
export const UNSIZED_LIST = 10

/** Fields that ask somebody else to look, by what each counts. */
export const COSTLY_FIELDS: Readonly<Record<string, number>> = { files: 1_000, file: 1_000, diff: 1_000 }
