import { type AskedCheckpoint, findAskedCheckpoints, findUnarchived } from '@longhaul/core/src/checkpoints/find-asked-checkpoints.ts'
import { createRest } from '../consumers/rest.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { archiveCheckpoint } from './archive-checkpoint.ts'
import { beginTaking, type TakingParts } from './take-checkpoint.ts'

/** A worker that took one has had this long to archive it. */
const ARCHIVE_AFTER_MS = 60_000
/** One whose workspace could not be stored lets the others have their turn for so long. */
const TRY_AGAIN_MS = 600_000

type Parts = TakingParts & Pick<TurnParts, 'checkpoints'>

/**
 * Takes the checkpoints that people ask for of sessions on this engine: of one that nobody runs at once, of one that this worker runs
 * through its turn. Those of another worker's turns are its own to take. Looks at once when told, and every so often by itself.
 */
export const startServingCheckpoints = (
  parts: Parts,
  { engineId, workerId, everyMs }: { engineId: string; workerId: () => string; everyMs: number },
): { lookNow(): void; stop(): Promise<void> } => {
  const { db, logger } = parts
  const atWork = new Map<string, Promise<unknown>>()
  const tried = new Map<string, number>()
  let running: Promise<void> | null = null
  let again = false
  const rest = createRest()

  /** One at a time of each: a look that comes meanwhile leaves it alone, and a later one finds what is left. */
  const start = (of: string, work: () => Promise<unknown>): void => {
    if (atWork.has(of)) return
    const done = work()
      .catch((error: unknown) => logger.warn({ err: error, of }, 'a checkpoint could not be served'))
      .finally(() => atWork.delete(of))
    atWork.set(of, done)
  }
  const serve = async ({ id, tenantId, sessionId, holderId }: AskedCheckpoint): Promise<void> => {
    if (holderId === workerId()) return parts.checkpoints.want(sessionId, id)
    if (holderId !== null) return
    const taking = await beginTaking(parts, { tenantId, sessionId, epoch: null, workerId: workerId(), checkpoint: { id } })
    await taking?.finish()
  }
  const look = async (): Promise<void> => {
    try {
      for (const asked of await findAskedCheckpoints(db, engineId)) start(asked.sessionId, () => serve(asked))
      for (const [id, triedAt] of tried) if (performance.now() - triedAt > TRY_AGAIN_MS) tried.delete(id)
      for (const left of await findUnarchived(db, { engineId, olderThanMs: ARCHIVE_AFTER_MS, except: [...tried.keys()] })) {
        tried.set(left.id, performance.now())
        start(left.id, () => archiveCheckpoint(parts, left))
      }
      rest.worked()
    } catch (error) {
      rest.failed()
      logger.warn({ err: error }, 'checkpoints that are asked for could not be looked for')
    }
  }
  const lookNow = (): void => {
    again = true
    running ??= (async () => {
      while (again) {
        again = false
        await look()
      }
    })().finally(() => (running = null))
  }
  const timer = setInterval(() => {
    if (rest.isOver()) lookNow()
  }, everyMs)
  return {
    lookNow,
    stop: async () => {
      clearInterval(timer)
      await running
      await Promise.allSettled(atWork.values())
    },
  }
}
