import { connectionConfig } from '@longhaul/prisma/src/client.ts'
import pg from 'pg'

/** A pool like core's, of the application's role, for what is called past core. */
export const openBarePool = (databaseUrl: string): pg.Pool => {
  const pool = new pg.Pool({ ...connectionConfig(databaseUrl, 'longhaul_app'), max: 16 })
  // A pool that was ended may still be saying goodbye when its database is dropped.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
