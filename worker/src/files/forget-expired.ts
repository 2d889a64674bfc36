import type { Database } from '@longhaul/prisma/src/client.ts'

/** Downloads that nobody goes on with and uploads that nobody has gone on with: with their rows, their stored bytes are nobody's. */
export const forgetExpired = async (db: Pick<Database, 'system'>): Promise<void> => {
  await db.system.query('delete from download where expires_at < clock_timestamp()')
  await db.system.query('delete from open_upload where expires_at < clock_timestamp()')
}
