import { setTimeout as sleep } from 'node:timers/promises'
import { PlatformError } from '../errors.ts'
import { type CoreParts, inTransaction } from '../sessions/change-session.ts'
import type { FileLookAnswer } from './file-look.ts'

/** A worker that lives takes a look at once; the row is looked at so often meanwhile. */
const TAKEN_MS = 15_000
const LOOK_MS = 40

/** What a worker wrote into the row. Throws UNAVAILABLE when none takes the look soon, or the one that took it does not answer in `patienceMs`. */
export const awaitLook = async (
  parts: Pick<CoreParts, 'db'>,
  { tenantId, sessionId, id, patienceMs = TAKEN_MS }: { tenantId: string; sessionId: string; id: string; patienceMs?: number },
): Promise<FileLookAnswer> => {
  const begun = Date.now()
  for (let taken = false; Date.now() - begun < (taken ? patienceMs : Math.min(patienceMs, TAKEN_MS)); ) {
    const row = await inTransaction(parts.db, async (client) => {
      await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
      const { rows } = await client.query<{ state: string; answer: FileLookAnswer | null }>(
        'select state, answer from file_look where id = $1',
        [id],
      )
      return rows[0] ?? null
    })
    if (row?.answer) return row.answer
    taken = row?.state === 'taken'
    await sleep(LOOK_MS)
  }
  throw new PlatformError('UNAVAILABLE', `No worker of the engine that holds the files of session ${sessionId} answers.`)
}
