import { createHash } from 'node:crypto'

/** An installation is its database, by whatever user it is reached. */
export const instanceOf = (databaseUrl: string): string => {
  const { hostname, port, pathname } = new URL(databaseUrl)
  return createHash('sha256')
    .update(`${hostname}:${port || '5432'}${pathname}`)
    .digest('hex')
    .slice(0, 16)
}
