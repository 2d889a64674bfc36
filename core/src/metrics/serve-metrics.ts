import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { collectDefaultMetrics } from 'prom-client'
import type { Config } from '../config.ts'
import type { Logger } from '../logger.ts'
import { registry } from './instruments.ts'

/**
 * `/metrics` on a port of its own, so that no load balancer in front of an api can let the world see it. Without METRICS_PORT nothing
 * listens. Returns null then.
 */
export const serveMetrics = async (
  { metricsPort, metricsHost, metricsToken }: Pick<Config, 'metricsPort' | 'metricsHost' | 'metricsToken'>,
  logger: Logger,
): Promise<{ url: string; stop(): Promise<void> } | null> => {
  if (metricsPort === undefined) return null
  if (registry.getSingleMetric('process_cpu_seconds_total') === undefined) collectDefaultMetrics({ register: registry })
  const server = createServer(async (request, response) => {
    const answer = (status: number, text: string, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text)
    try {
      if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') return answer(404, 'Not found.\n')
      if (!isAllowed(request.headers.authorization, metricsToken))
        return answer(401, 'A token is needed.\n', { 'www-authenticate': 'Bearer' })
      return answer(200, await registry.metrics(), { 'content-type': registry.contentType })
    } catch (error) {
      logger.error({ err: error }, 'the metrics could not be read')
      return answer(500, 'Something went wrong on our side.\n')
    }
  })
  server.requestTimeout = 10_000
  server.listen(metricsPort, metricsHost)
  await once(server, 'listening')
  const { address, family, port } = server.address() as AddressInfo
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/metrics`
  logger.info({ metrics: url }, 'metrics are served')
  return {
    url,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Compared as digests: in time that says nothing of the token, not even its length. */
const isAllowed = (header: string | undefined, token: string | undefined): boolean => {
  if (token === undefined) return true
  const given = /^Bearer (.+)$/i.exec(header ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(given), digest(token))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
