// What can be known of docker-compose.yml without starting it. `npm run test:compose` starts it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingNames } from '@longhaul/core/src/config.ts'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

type Service = {
  build?: { args?: Record<string, string>; target?: string; dockerfile?: string } | string
  environment?: Record<string, string>
  volumes?: string[]
  ports?: string[]
  networks?: string[]
  image: string
  healthcheck?: object
  command?: string[]
  user?: string
}
type ComposeFile = { services: Record<string, Service>; volumes: Record<string, object>; networks: Record<string, object | null> }

const root = join(import.meta.dirname, '../..')
const read = (file: string): ComposeFile => parse(readFileSync(join(root, file), 'utf8'), { merge: true }) as ComposeFile
const { services, volumes, networks } = read('docker-compose.yml')
const longLived = ['postgres', 'redis', 'api-1', 'api-2', 'worker', 'proxy']

describe('docker-compose.yml', () => {
  test('sets nothing that no process reads', () => {
    const known = [...settingNames(), 'POSTGRES_PASSWORD_FILE', 'CHUNK_DELAY_MS']
    const demo = read('docker/compose.demo.yml').services
    for (const [name, { environment = {} }] of [...Object.entries(services), ...Object.entries(demo)])
      expect([name, Object.keys(environment).filter((key) => !known.includes(key))]).toEqual([name, []])
    expect(Object.keys(services['worker']?.environment ?? {}).length).toBeGreaterThan(5)
  })

  test('holds no secret, and no password that everybody knows', () => {
    const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
    expect(text).not.toMatch(/PASSWORD: |:\/\/[^/\s]*:[^/\s]*@/)
    for (const [name, { environment = {} }] of Object.entries(services))
      for (const [key, value] of Object.entries(environment))
        if (/KEY|TOKEN|PASSWORD|URL/.test(key)) expect(`${name} ${key}=${value}`).toMatch(/=(\$\{\w+:-\}|\/run\/longhaul-secrets\/\w+)$/)
  })

  test('lets the world in at one port, on loopback', () => {
    const open = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`))
    expect(open).toEqual([expect.stringMatching(/^proxy \$\{LONGHAUL_LISTEN:-127\.0\.0\.1:4000\}:4000$/)])
  })

  test('gives the engine to the worker alone, and each its own secrets alone', () => {
    const holders = (volume: string) => Object.keys(services).filter((name) => services[name]?.volumes?.some((one) => one.includes(volume)))
    expect(holders('docker.sock')).toEqual(['worker'])
    expect(holders('postgres-secrets')).toEqual(['secrets', 'postgres'])
    expect(holders('migrate-secrets')).toEqual(['secrets', 'migrate'])
    expect(holders('api-secrets')).toEqual(['secrets', 'api-1', 'api-2'])
    expect(holders('worker-secrets')).toEqual(['secrets', 'worker'])
  })

  test('keeps the database and Redis on a network that leads nowhere', () => {
    expect(networks['data']).toEqual({ internal: true })
    for (const name of ['postgres', 'redis', 'migrate']) expect([name, services[name]?.networks]).toEqual([name, ['data']])
  })

  test('watches the health of what others wait for', () => {
    for (const name of longLived) if (name !== 'proxy') expect([name, services[name]?.healthcheck]).toEqual([name, expect.any(Object)])
  })

  test('names files and volumes that exist', () => {
    for (const { volumes: mounted = [] } of Object.values(services))
      for (const mount of mounted) {
        const [source = ''] = mount.split(':')
        if (source.startsWith('./')) expect([source, existsSync(join(root, source))]).toEqual([source, true])
        else if (!source.startsWith('${')) expect(Object.keys(volumes)).toContain(source)
      }
  })

  test('takes every image that it does not build from a setting', () => {
    const built = Object.values(services).flatMap(({ build, image }) => (build === undefined ? [] : [image]))
    for (const [name, { image }] of Object.entries(services))
      if (!built.includes(image)) expect(`${name} ${image}`).toMatch(/ \$\{[A-Z]+_IMAGE:-.+\}$/)
  })
})

test('docs/operating.md names every setting and every metric', () => {
  const text = readFileSync(join(root, 'docs/operating.md'), 'utf8')
  const sources = ['core/src/metrics/instruments.ts', 'core/src/metrics/count-open-turns.ts', 'worker/src/metrics/count-sandboxes.ts']
  const metrics = sources.flatMap((file) => readFileSync(join(root, file), 'utf8').match(/longhaul_[a-z_]+/g) ?? [])
  expect(metrics.length).toBeGreaterThan(12)
  for (const name of [...settingNames(), ...metrics]) expect(text).toContain(`\`${name}\``)
})
