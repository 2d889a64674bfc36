import { httpRequestSeconds, openSubscriptions } from '@longhaul/core/src/metrics/instruments.ts'
import type { FastifyInstance } from 'fastify'
import type { ExecutionArgs, ExecutionResult } from 'graphql'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Counts requests by the route that answered. Paths and methods that strangers made up are one each, or labels would never end. */
export const countRequests = (app: FastifyInstance): void => {
  app.addHook('onResponse', async (request, reply) => {
    const { url } = request.routeOptions
    const labels = {
      method: METHODS.includes(request.method) ? request.method : 'other',
      route: url?.startsWith('/assets/') ? '/assets' : (url ?? 'other'),
      status: String(reply.statusCode),
    }
    httpRequestSeconds.observe(labels, reply.elapsedTime / 1_000)
  })
}

type Source = AsyncGenerator<ExecutionResult, void, void>
type Subscribe = (args: ExecutionArgs) => Promise<Source | ExecutionResult>

/** Counts what is open: from the moment that a subscription began until it ended in whichever way, once. */
export const countSubscriptions =
  (subscribe: Subscribe): Subscribe =>
  async (args) => {
    const source = await subscribe(args)
    if (!(Symbol.asyncIterator in source)) return source
    openSubscriptions.inc()
    let open = true
    return watchEnd(source, () => {
      if (open) openSubscriptions.dec()
      open = false
    })
  }

/** The same generator, that says when it ends; perhaps more than once. */
const watchEnd = (source: Source, onEnd: () => void): Source => {
  const next = source.next.bind(source)
  const stop = source.return.bind(source)
  source.next = async () => {
    try {
      const result = await next()
      if (result.done) onEnd()
      return result
    } catch (error) {
      onEnd()
      throw error
    }
  }
  source.return = (value) => {
    onEnd()
    return stop(value)
  }
  return source
}
