import type { Database } from '@longhaul/prisma/src/client.ts'

/** Which of these turns, of any tenants, still wait to be claimed. Says nothing about whether it is their time yet. */
export const findDueTurns = async (db: Database, turnIds: readonly string[]): Promise<Set<string>> => {
  const { rows } = await db.system.query<{ id: string }>({
    name: 'find_due_turns',
    text: "select id from turn where id = any($1) and state = 'due'",
    values: [turnIds],
  })
  return new Set(rows.map(({ id }) => id))
}
