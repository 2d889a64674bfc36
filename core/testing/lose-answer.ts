import type { Database } from '@longhaul/prisma/src/client.ts'

/** Of which function's first call the answer is lost, and whether its transaction was committed; `alsoOf`: then of another's, which was not. */
export type LostAnswer = { of: string; committed: boolean; alsoOf?: string }

/** A database whose connection breaks once, in the middle of a statement that names a function. */
export const loseAnswer = (db: Database, { of, committed, alsoOf }: LostAnswer): Database => {
  const left = [{ of, committed }, ...(alsoOf === undefined ? [] : [{ of: alsoOf, committed: false }])]
  const query = async (...asked: Parameters<Database['app']['query']>): Promise<unknown> => {
    const [statement] = asked as unknown[]
    const text = typeof statement === 'string' ? statement : (statement as { text: string }).text
    const at = left.findIndex((lost) => text.includes(lost.of))
    const [lost] = at === -1 ? [] : left.splice(at, 1)
    if (lost === undefined) return db.app.query(...asked)
    if (lost.committed) await db.app.query(...asked)
    throw new Error('Connection terminated unexpectedly')
  }
  const app = new Proxy(db.app, { get: (pool, key) => (key === 'query' ? query : bind(pool, Reflect.get(pool, key))) })
  return { ...db, app }
}

const bind = (of: object, value: unknown): unknown => (typeof value === 'function' ? value.bind(of) : value)
