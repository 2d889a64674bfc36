import type { Database } from '@longhaul/prisma/src/client.ts'
import { createId } from '../ids.ts'
import { retrySerialization } from '../log/append-events.ts'

/** What there is of an environment's set-up on one engine. `log`: the end of what its script printed. */
export type AskedBuild = {
  id: string
  state: 'asked' | 'building' | 'built' | 'failed'
  imageId: string | null
  baseImageId: string | null
  exitCode: number | null
  failedLine: number | null
  problem: string | null
  log: string
}

/**
 * Finds the build of a version's set-up on an engine, or asks for one: whoever comes while it is under way waits for the same. `not`: one
 * that the asker has no use for, because its image is gone or it was told of that failure already.
 */
export const askBuild = async (
  db: Pick<Database, 'app'>,
  of: { tenantId: string; environmentVersionId: string; engineId: string; not: string | null },
): Promise<AskedBuild> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ build: AskedBuild & { refused?: string } }>({
      name: 'ask_build',
      text: 'select ask_build($1, $2, $3, $4, $5) as build',
      values: [of.tenantId, of.environmentVersionId, of.engineId, createId('bld'), of.not],
    }),
  )
  const { build } = rows[0] as (typeof rows)[number]
  if (build.refused !== undefined) throw new Error(`environment version ${of.environmentVersionId} has no set-up to build`)
  return build
}
