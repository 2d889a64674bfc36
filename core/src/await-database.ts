import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { Logger } from './logger.ts'

/** Between attempts while the database is not there, or not migrated. */
const RETRY_MS = 1_000

/** The login has rights that would make row security a promise of the code alone. */
export class UnsafeLoginError extends Error {}

/**
 * Resolves when the database answers and is migrated; a process that starts before its database waits for it. Throws UnsafeLoginError
 * in production where the login is a superuser, bypasses row security or owns our tables (invariant 11).
 */
export const awaitDatabase = async (
  db: Pick<Database, 'app'>,
  { production, logger }: { production: boolean; logger: Logger },
): Promise<void> => {
  for (;;) {
    try {
      await db.app.query('select 1 from installation')
      break
    } catch (error) {
      logger.warn({ err: error }, 'the database can not be used yet: is it there, and migrated (npm run migrate)?')
      await sleep(RETRY_MS)
    }
  }
  const problem = await findUnsafeLogin(db)
  if (problem === null) return
  if (production)
    throw new UnsafeLoginError(`DATABASE_URL: ${problem}. Give the application a login of its own, and MIGRATE_DATABASE_URL the owner's.`)
  logger.warn(`DATABASE_URL: ${problem}. In production this is refused.`)
}

const findUnsafeLogin = async (db: Pick<Database, 'app'>): Promise<string | null> => {
  const { rows } = await db.app.query<{ super: boolean; bypass: boolean; owner: boolean }>(
    `select r.rolsuper as super, r.rolbypassrls as bypass,
       exists (select from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relowner = r.oid) as owner
     from pg_roles r where r.rolname = session_user`,
  )
  const [login] = rows
  if (login?.super) return 'its login is a superuser'
  if (login?.bypass) return 'its login bypasses row security'
  if (login?.owner) return 'its login owns our tables'
  return null
}
