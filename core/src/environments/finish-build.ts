import type { Database } from '@longhaul/prisma/src/client.ts'
import { retrySerialization, type Wake } from '../log/append-events.ts'

/** `asked`: through no fault of the script; tried again, and failed after three that count. */
export type BuildEnd =
  | { state: 'built'; imageId: string }
  | { state: 'failed'; problem: string; exitCode?: number | null; failedLine?: number | null }
  | { state: 'asked'; problem: string; retryInMs: number; counts: boolean }

type Of = { tenantId: string; id: string; workerId: string }

/** Ends a build, with what waits for it. `state` null: it was this worker's no more, and nothing has happened. */
export const finishBuild = async (
  db: Pick<Database, 'app'>,
  { tenantId, id, workerId }: Of,
  end: BuildEnd,
): Promise<{ state: 'asked' | 'built' | 'failed' | null; wakes: Wake[] }> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ result: { state: 'asked' | 'built' | 'failed' | null; wakes: Wake[] } }>(
      'select finish_build($1, $2, $3, $4) as result',
      [tenantId, id, workerId, JSON.stringify(end)],
    ),
  )
  return (rows[0] as (typeof rows)[number]).result
}

/** What is known of a build under way. False where it is this worker's no more: somebody else builds it by now. */
export const noteBuild = async (
  db: Pick<Database, 'app'>,
  { tenantId, id, workerId }: Of,
  note: { key?: string; baseImageId?: string; log?: string; logTruncated?: boolean },
): Promise<boolean> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ mine: boolean }>('select note_build($1, $2, $3, $4) as mine', [tenantId, id, workerId, JSON.stringify(note)]),
  )
  return rows[0]?.mine ?? false
}
