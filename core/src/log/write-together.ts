import pg from 'pg'

/** A write that touches one session alone, see prisma/sql/write_together.sql. */
export type SharedWrite<Result> = {
  /** The call as write_together takes it, JSON. */
  call: string
  /** The same by itself: where there is nobody to share with, where the session is held, or where another's call failed. */
  alone: () => Promise<Result>
}

/** Statements that may be on their way at once; the next ones wait, and then share one. More would find fewer to share with. */
const MAX_UNDER_WAY = 2
/** What one statement carries: each waits for all, so it stays short. */
const MAX_CALLS = 32
const MAX_CHARACTERS = 256 * 1_024
/** A write that somebody's lock holds up for longer gives its place to the next: nobody waits for another session's lock. */
const HELD_UP_MS = 50

type Waiting = { call: string; alone: () => Promise<unknown>; resolve: (result: never) => void; reject: (error: unknown) => void }
type Queue = { waiting: Waiting[]; underWay: number }

const queues = new WeakMap<pg.Pool, Queue>()

/**
 * Group commit: a write goes at once where few are under way, by itself, and pays nothing. Under load it waits for one of them and
 * then shares a round trip, a transaction and a sync with all who waited: 64 sessions at once get twice as many through.
 * An answer comes after the commit, as ever. A lost connection is told to all: nobody knows whether it committed.
 */
export const writeTogether = <Result>(pool: pg.Pool, write: SharedWrite<Result>): Promise<Result> => {
  const queue = queues.get(pool) ?? { waiting: [], underWay: 0 }
  queues.set(pool, queue)
  return new Promise<Result>((resolve, reject) => {
    queue.waiting.push({ ...write, resolve, reject })
    pump(pool, queue)
  })
}

const pump = (pool: pg.Pool, queue: Queue): void => {
  while (queue.waiting.length > 0 && queue.underWay < MAX_UNDER_WAY) {
    queue.underWay++
    let left = false
    const leave = (): void => {
      if (left) return
      left = true
      clearTimeout(heldUp)
      queue.underWay--
      pump(pool, queue)
    }
    const heldUp = setTimeout(leave, HELD_UP_MS)
    void send(pool, takeBatch(queue.waiting)).then(leave)
  }
}

const takeBatch = (waiting: Waiting[]): Waiting[] => {
  let taken = 0
  let characters = 0
  for (const { call } of waiting) {
    characters += call.length
    if (taken === MAX_CALLS || (taken > 0 && characters > MAX_CHARACTERS)) break
    taken++
  }
  return waiting.splice(0, taken)
}

/** Never rejects: each caller has its own answer. */
const send = async (pool: pg.Pool, batch: Waiting[]): Promise<void> => {
  const [only] = batch
  if (only !== undefined && batch.length === 1) return answerAlone(only)
  try {
    const { rows } = await pool.query<{ results: { refused?: string }[] }>({
      name: 'write_together',
      text: 'select write_together($1::jsonb) as results',
      values: [`[${batch.map(({ call }) => call).join(',')}]`],
    })
    const results = rows[0]?.results ?? []
    await Promise.all(
      batch.map((write, at) => (results[at]?.refused === 'busy' ? answerAlone(write) : write.resolve(results[at] as never))),
    )
  } catch (error) {
    if (isRefusal(error)) await Promise.all(batch.map(answerAlone))
    else for (const write of batch) write.reject(error)
  }
}

const answerAlone = ({ alone, resolve, reject }: Waiting): Promise<void> => alone().then(resolve as (result: unknown) => void, reject)

/** The database said no, so nothing was written. Of a lost connection, or a server that is told to stop, nobody knows. */
const isRefusal = (error: unknown): boolean => error instanceof pg.DatabaseError && !/^(08|57)/.test(error.code ?? '08')
