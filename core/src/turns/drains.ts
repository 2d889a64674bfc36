import type { Database } from '@longhaul/prisma/src/client.ts'

type Drain = { engineId: string; workerId: string }

/** Nobody takes anything on this engine for as long as this lease lives. False where another empties it already. */
export const beginDrain = (db: Pick<Database, 'system'>, drain: Drain): Promise<boolean> => ask(db, 'begin_drain', drain)

/** Whether it is still emptied under this lease. */
export const isDrainedBy = (db: Pick<Database, 'system'>, drain: Drain): Promise<boolean> => ask(db, 'is_drained_by', drain)

/** It is empty: anybody takes its sessions, until a worker starts on it. False where it is not emptied under this lease any more. */
export const endDrain = (db: Pick<Database, 'system'>, drain: Drain): Promise<boolean> => ask(db, 'end_drain', drain)

const ask = async (db: Pick<Database, 'system'>, what: string, { engineId, workerId }: Drain): Promise<boolean> => {
  const { rows } = await db.system.query<{ answer: boolean }>(`select ${what}($1, $2) as answer`, [engineId, workerId])
  return rows[0]?.answer ?? false
}
