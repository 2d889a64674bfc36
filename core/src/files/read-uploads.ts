import type { Database } from '@longhaul/prisma/src/client.ts'

/** `contentHash` names a file's bytes, or for a folder a tar of ours. */
export type WaitingUpload = { seq: number; path: string; kind: 'file' | 'folder'; storedBytes: number; contentHash: string }

/** What is to be put into a session's sandbox, in order. `after`: the position of the files that a new one was made from; null for the one that the log knows. */
export const readUploads = async (
  db: Pick<Database, 'app'>,
  { tenantId, sessionId, after }: { tenantId: string; sessionId: string; after: number | null },
): Promise<WaitingUpload[]> => {
  const { rows } = await db.app.query<{ uploads: WaitingUpload[] }>('select read_uploads($1, $2, $3) as uploads', [
    tenantId,
    sessionId,
    after,
  ])
  return rows[0]?.uploads ?? []
}
