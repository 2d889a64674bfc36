import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is a file, which takes as long as it takes; the door that reads it ends one that stalls. */
    isFile?: boolean
  }
}

/** A request whose body does not arrive whole in this time is cut off. */
export const limitArrival = (app: FastifyInstance, ms: number): void => {
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isFile === true || request.raw.complete) return
    // One without a body says no end: nobody reads it.
    const timer = setTimeout(() => request.raw.complete || request.raw.destroy(), ms)
    request.raw.once('close', () => clearTimeout(timer))
  })
}
