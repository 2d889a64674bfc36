import type { Database } from '@longhaul/prisma/src/client.ts'

export type StoredResource = { kind: 'FILE'; path: string; content: Buffer } | { kind: 'GIT'; path: string; url: string; commit: string }

/** What is put into the session's workspace, in order; later ones lie over earlier ones. */
export const readResources = async (
  db: Database,
  { tenantId, sessionId }: { tenantId: string; sessionId: string },
): Promise<StoredResource[]> => {
  const { rows } = await db.app.query<StoredResource>('select kind, path, content, url, commit from read_resources($1, $2)', [
    tenantId,
    sessionId,
  ])
  return rows
}
