import { expect, test } from 'vitest'
import { ConfigError, parseConfig } from './config.ts'

const minimal = { DATABASE_URL: 'postgres://longhaul@127.0.0.1/longhaul' }
const refusal = (environment: Record<string, string>): string => {
  try {
    parseConfig({ ...minimal, ...environment })
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'accepted'
}

test('what is left out has a default, and an empty variable counts as left out', () => {
  const config = parseConfig({ ...minimal, PORT: '', REDIS_URL: '' })
  expect(config).toMatchObject({
    port: 4000,
    host: '127.0.0.1',
    leaseMs: 6000,
    leaseRenewMs: 1500,
    sweepMs: 1000,
    workerConcurrency: 256,
    sandbox: 'docker',
  })
  expect(config.redisUrl).toBeUndefined()
  expect(config.metricsPort).toBeUndefined()
})

test('a missing database is named', () => {
  expect(() => parseConfig({})).toThrow('DATABASE_URL is missing')
})

test.each([
  [{ PORT: '70000' }, 'PORT must be a whole number from 0 to 65535.'],
  [{ PORT: '40 00' }, 'PORT must be a whole number'],
  [{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL must be a URL that begins with postgres:// or postgresql://.'],
  [{ SANDBOX: 'vm' }, 'SANDBOX must be docker or process.'],
  [{ SANDBOX: 'process', NODE_ENV: 'production' }, 'SANDBOX must be docker when NODE_ENV is production'],
  [{ DOCKER_HOST: 'ssh://me@engine' }, 'DOCKER_HOST must be a URL that begins with unix:// or tcp:// or http:// or https://.'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be fatal'],
  [{ LEASE_MS: '2000', LEASE_RENEW_MS: '1500' }, 'LEASE_RENEW_MS must be at most half of LEASE_MS (2000).'],
  [{ METRICS_PORT: '9', METRICS_HOST: '0.0.0.0' }, 'METRICS_TOKEN must be set where METRICS_HOST is not loopback.'],
  [{ METRICS_TOKEN: 'short' }, 'METRICS_TOKEN must be at least 16 characters.'],
  [{ GIT_ALLOWED_PRIVATE_HOSTS: 'git.internal, not a host' }, 'GIT_ALLOWED_PRIVATE_HOSTS must be host names'],
])('%o is refused by the name of its variable', (environment, message) => {
  expect(refusal(environment)).toContain(message)
})

test('a refused secret is not repeated', () => {
  expect(refusal({ OPERATOR_KEY: 'short-secret' })).toBe('OPERATOR_KEY must be at least 16 characters.')
})

test('all that is wrong is said at once', () => {
  expect(refusal({ PORT: 'x', SANDBOX: 'y' }).split('\n')).toHaveLength(2)
})

test('private hosts are a list', () => {
  expect(parseConfig({ ...minimal, GIT_ALLOWED_PRIVATE_HOSTS: 'git.internal, 10.0.0.7:8443' }).gitAllowedPrivateHosts).toEqual([
    'git.internal',
    '10.0.0.7:8443',
  ])
})
