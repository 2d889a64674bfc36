import type { Database } from '@longhaul/prisma/src/client.ts'
import { createId } from '../ids.ts'
import type { DiffPage, FetchOp, FileLookAnswer } from './file-look.ts'

/**
 * A session's files at one moment. `checkpointId`: as they were there; null for now. `sandboxId`: null where there is none, and now is what
 * one will be made from. `engineId`: who has it. `baselineSnapshotId`: as they were at the start, where a sandbox was ever made.
 */
export type FilesAt = {
  sessionId: string
  checkpointId: string | null
  sandboxId: string | null
  engineId: string | null
  baselineSnapshotId: string | null
}

export type FileLook = FilesAt & { id: string; tenantId: string } & (
    | { op: 'list' | 'read' | FetchOp; path: string }
    | { op: 'diff'; against: FilesAt & DiffPage & { start: boolean } }
  )

/** Looks nobody waits for any more are removed after this long. */
const KEPT = "interval '5 minutes'"

/** Takes what is asked of one engine: each look goes to one worker. */
export const takeFileLooks = async (db: Database, engineId: string): Promise<FileLook[]> => {
  const { rows } = await db.system.query<{ id: string; tenant_id: string }>(
    "update file_look set state = 'taken' where id in (select id from file_look where engine_id = $1 and state = 'asked' order by id limit 50 for update skip locked) returning id, tenant_id",
    [engineId],
  )
  await db.system.query(`delete from file_look where created_at < now() - ${KEPT}`)
  const looks: FileLook[] = []
  for (const row of rows) {
    const { rows: found } = await db.app.query<{ look: FileLook | null }>('select read_file_look($1, $2) as look', [row.tenant_id, row.id])
    if (found[0]?.look) looks.push(found[0].look)
  }
  return looks
}

export const answerFileLook = async (db: Database, look: FileLook, answer: FileLookAnswer): Promise<void> => {
  await db.app.query('select answer_file_look($1, $2, $3::jsonb)', [look.tenantId, look.id, JSON.stringify(answer)])
}

/** The answer to who downloads, and the row that owns what was stored for it: with it gone, the bytes are nobody's. */
export const answerFileFetch = async (
  db: Database,
  look: FileLook & { op: FetchOp },
  answer: FileLookAnswer,
  { keepMs }: { keepMs: number },
): Promise<void> => {
  if (!('stored' in answer)) return answerFileLook(db, look, answer)
  const download = { id: createId('dwn'), asked: toAsked(look), keepMs, ...answer.stored }
  await db.app.query('select answer_file_fetch($1, $2, $3::jsonb, $4::jsonb)', [
    look.tenantId,
    look.id,
    JSON.stringify(answer),
    JSON.stringify(download),
  ])
}

/** Names what was asked for, so that who goes on with a download gets the rest of the same thing. */
export const toAsked = ({ op, path }: { op: FetchOp; path: string }): string => `${op} ${path}`
