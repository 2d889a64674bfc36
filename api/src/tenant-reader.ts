import type { Prisma, PrismaClient } from '@longhaul/prisma/generated/client.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'

type Read<T> = (prisma: PrismaClient) => Prisma.PrismaPromise<T>
type Waiting = { read: Read<unknown>; resolve: (value: unknown) => void; reject: (error: unknown) => void }

/** A read under one tenant: all reads of the same moment share one transaction. */
export type TenantReader = <T>(read: Read<T>) => Promise<T>

/**
 * Row security needs the tenant set in each transaction; setting it once for all that a request reads at a time is what makes that
 * cheap. One failing read fails those beside it, as one lost connection would.
 */
export const createTenantReader = (db: Database, tenantId: string): TenantReader => {
  let waiting: Waiting[] = []

  const flush = async (): Promise<void> => {
    const batch = waiting
    waiting = []
    try {
      const set = db.prisma.$executeRaw`select set_config('longhaul.tenant', ${tenantId}, true)`
      const [, ...rows] = await db.prisma.$transaction([set, ...batch.map(({ read }) => read(db.prisma))])
      for (const [index, { resolve }] of batch.entries()) resolve(rows[index])
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return <T>(read: Read<T>) =>
    new Promise<T>((resolve, reject) => {
      if (waiting.length === 0) setImmediate(() => void flush())
      waiting.push({ read, resolve: resolve as (value: unknown) => void, reject })
    })
}
