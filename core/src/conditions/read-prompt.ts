import type { Database } from '@longhaul/prisma/src/client.ts'

/** What a session was asked to do, which its judge reads. */
export const readPrompt = async (
  db: Pick<Database, 'app'>,
  { tenantId, session }: { tenantId: string; session: { id: string } },
): Promise<string> => {
  const { rows } = await db.app.query<{ prompt: string | null }>('select read_prompt($1, $2) as prompt', [tenantId, session.id])
  return rows[0]?.prompt ?? ''
}
