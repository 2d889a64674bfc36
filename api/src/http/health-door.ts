import type { Database } from '@longhaul/prisma/src/client.ts'
import type { FastifyInstance } from 'fastify'

const READY_MS = 2_000

/** `/healthz`: this process answers. `/readyz`: it can do its work, and is not about to stop. */
export const openHealthDoor = (app: FastifyInstance, { db, isStopping }: { db: Database; isStopping: () => boolean }): void => {
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_, reply) => {
    const database = !isStopping() && (await isReachable(db))
    return reply.code(database ? 200 : 503).send({ status: isStopping() ? 'stopping' : database ? 'ok' : 'no database' })
  })
}

const isReachable = async (db: Database): Promise<boolean> => {
  const deadline = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => deadline.resolve(false), READY_MS)
  const asked = db.system.query('select 1 from installation limit 1').then(
    () => true,
    () => false, // whatever it says, it can't be worked with
  )
  return Promise.race([asked, deadline.promise]).finally(() => clearTimeout(timer))
}
