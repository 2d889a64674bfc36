import { afterEach, describe, expect, test } from 'vitest'
import { createLogger } from '../logger.ts'
import { claimsLost, registry } from './instruments.ts'
import { serveMetrics } from './serve-metrics.ts'

const logger = createLogger({ name: 'metrics', level: 'silent' })
const running: { stop(): Promise<void> }[] = []
const serve = async (metricsToken?: string): Promise<string> => {
  const served = await serveMetrics({ metricsPort: 0, metricsHost: '127.0.0.1', metricsToken }, logger)
  if (served === null) throw new Error('nothing listens')
  running.push(served)
  return served.url
}
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

describe('the port of /metrics', () => {
  test('is not opened without METRICS_PORT', async () => {
    expect(await serveMetrics({ metricsPort: undefined, metricsHost: '127.0.0.1', metricsToken: undefined }, logger)).toBeNull()
  })

  test('answers what was counted and what the process uses', async () => {
    claimsLost.inc(3)
    const response = await fetch(await serve())
    expect(response.headers.get('content-type')).toContain('text/plain')
    const text = await response.text()
    expect(text).toMatch(/^longhaul_claims_lost_total \d+$/m)
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m)
  })

  test('with a token tells nothing to whom has another or none', async () => {
    const url = await serve('the-token-of-the-tests')
    for (const headers of [{}, { authorization: 'Bearer the-token-of-the-test' }, { authorization: 'Basic the-token-of-the-tests' }]) {
      const response = await fetch(url, { headers: headers as Record<string, string> })
      expect([response.status, await response.text()]).toEqual([401, 'A token is needed.\n'])
    }
    expect((await fetch(url, { headers: { authorization: 'Bearer the-token-of-the-tests' } })).status).toBe(200)
  })

  test('knows no other path and no other method', async () => {
    const url = await serve()
    expect((await fetch(url, { method: 'POST' })).status).toBe(404)
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404)
  })

  test('is let go of at the end', async () => {
    const url = await serve()
    await running.splice(0)[0]?.stop()
    await expect(fetch(url)).rejects.toThrow()
  })
})

test('no label can hold what belongs to a tenant', () => {
  const ours = registry.getMetricsAsArray().filter(({ name }) => name.startsWith('longhaul_'))
  const labels = ours.flatMap((metric) => (metric as { labelNames?: string[] }).labelNames ?? [])
  expect(new Set(labels)).toEqual(new Set(['kind', 'outcome', 'model', 'basis', 'method', 'route', 'status']))
})
