/**
 * Connections to the database, each in one of the login-less roles that migrations make. The login itself has no rights of its own
 * on our tables; every connection becomes its role in the start-up packet, which costs no round trip.
 */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from '../generated/client.ts'

export type Role = 'longhaul_app' | 'longhaul_system' | 'longhaul_queue'

/** `app`: a tenant's work, under row security. `system`: routing columns of all tenants. Both pools also serve Prisma. */
export type Database = {
  url: string
  app: pg.Pool
  system: pg.Pool
  prisma: PrismaClient
  systemPrisma: PrismaClient
  close(): Promise<void>
}

/**
 * A connection that has lost its other end says nothing for hours, and whoever asks again and again asks one thing at a time: a sweep that waits
 * for such an answer is the last one. After this long nobody waits any more, the connection goes, and whether it was done is not known.
 */
const QUERY_TIMEOUT_MS = 60_000

export type OpenDatabaseOptions = {
  url: string
  maxConnections?: number
  queryTimeoutMs?: number
  onConnectionError?: (error: Error) => void
}

/** Connects lazily: an unreachable database shows at the first query. */
export const openDatabase = ({
  url,
  maxConnections = 16,
  queryTimeoutMs = QUERY_TIMEOUT_MS,
  onConnectionError = () => {},
}: OpenDatabaseOptions): Database => {
  const app = openPool(url, 'longhaul_app', { max: maxConnections, queryTimeoutMs })
  const system = openPool(url, 'longhaul_system', { max: 4, queryTimeoutMs })
  for (const pool of [app, system]) pool.on('error', onConnectionError)
  const prisma = new PrismaClient({ adapter: new PrismaPg(app) })
  const systemPrisma = new PrismaClient({ adapter: new PrismaPg(system) })
  return {
    url,
    app,
    system,
    prisma,
    systemPrisma,
    close: async () => {
      await Promise.all([prisma.$disconnect(), systemPrisma.$disconnect()])
      await Promise.all([app, system].map((pool) => (pool.ended ? undefined : pool.end())))
    },
  }
}

export const connectionConfig = (url: string, role: Role): pg.ClientConfig => ({
  connectionString: url,
  // A process that hangs in the middle of a transaction loses it, and with it the locks that others wait for.
  options: `-c role=${role} -c timezone=UTC -c idle_in_transaction_session_timeout=60s`,
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
})

const openPool = (url: string, role: Role, { max, queryTimeoutMs }: { max: number; queryTimeoutMs: number }): pg.Pool => {
  const pool = new pg.Pool({ ...connectionConfig(url, role), max, idleTimeoutMillis: 30_000, query_timeout: queryTimeoutMs })
  // The pool listens to idle ones only: one that breaks in the middle of a transaction, between two statements, would end the process.
  // Whoever has it finds out by its next statement.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
