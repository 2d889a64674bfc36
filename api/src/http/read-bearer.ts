const MAX_HEADER = 1_000

/** The key in `Bearer <key>`, or null. The same value comes in a header and in connection_init. */
export const readBearer = (authorization: unknown): string | null => {
  if (typeof authorization !== 'string' || authorization.length > MAX_HEADER) return null
  const [, key] = /^Bearer +(\S(?:.*\S)?) *$/i.exec(authorization) ?? []
  return key ?? null
}
