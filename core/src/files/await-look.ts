import { setTimeout as sleep } from 'node:timers/promises'
import { PlatformError } from '../errors.ts'
import { type CoreParts, inTransaction } from '../sessions/change-session.ts'
import type { FileLookAnswer } from './file-look.ts'

/** How long a worker may take to answer, and how often the row is looked at meanwhile. */
const PATIENCE_MS = 15_000
const LOOK_MS = 40

/** What a worker wrote into the row. Throws UNAVAILABLE where none did in time. */
export const awaitLook = async (
  parts: Pick<CoreParts, 'db'>,
  { tenantId, sessionId, id, patienceMs = PATIENCE_MS }: { tenantId: string; sessionId: string; id: string; patienceMs?: number },
): Promise<FileLookAnswer> => {
  const until = Date.now() + patienceMs
  while (Date.now() < until) {
    const answer = await inTransaction(parts.db, async (client) => {
      await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
      const { rows } = await client.query<{ answer: FileLookAnswer | null }>('select answer from file_look where id = $1', [id])
      return rows[0]?.answer ?? null
    })
    if (answer !== null) return answer
    await sleep(LOOK_MS)
  }
  throw new PlatformError('UNAVAILABLE', `No worker of the engine that holds the files of session ${sessionId} answers.`)
}
