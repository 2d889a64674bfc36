/** api/testing owns a whole api for tests: real HTTP, real WebSocket, real Postgres. Must never be imported by the product. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createDirectorySnapshotStore } from '@longhaul/core/src/checkpoints/directory-snapshot-store.ts'
import type { SnapshotStore } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import type { FileLimits } from '@longhaul/core/src/files/file-limits.ts'
import { createAnnouncer } from '@longhaul/core/src/log/create-announcer.ts'
import { createPostgresTransport } from '@longhaul/core/src/log/postgres-transport.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import type { CoreParts } from '@longhaul/core/src/sessions/change-session.ts'
import { createTenant } from '@longhaul/core/src/tenants/create-tenant.ts'
import { createKeyring, type Keyring } from '@longhaul/core/src/tenants/keyring.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { silentParts } from '@longhaul/core/testing/seeds.ts'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type RunningApi, startApi } from '../src/server.ts'

export const OPERATOR_KEY = 'operator-key-of-the-tests'

export type Answer = {
  status: number
  data: Record<string, unknown> | null
  errors: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[]
}
export type TestTenant = { tenantId: string; adminKey: string; agentId: string; environmentId: string }

export type TestApi = {
  url: string
  database: TestDatabase
  parts: CoreParts & { keyring: Keyring; snapshots: SnapshotStore }
  running: RunningApi
  /** One request over HTTP. */
  ask(key: string | null, query: string, variables?: Record<string, unknown>): Promise<Answer>
  /** The data, or the test fails with the errors. */
  get<T = Record<string, never>>(key: string, query: string, variables?: Record<string, unknown>): Promise<T>
  /** A socket that does not reconnect. */
  socket(key: string | null): ReturnType<typeof createClient>
  /** A tenant with an agent and an environment, made through the api. */
  tenant(): Promise<TestTenant>
  /** A key of a role. */
  key(tenant: TestTenant, role: string): Promise<string>
  stop(): Promise<void>
}

let tenants = 0

const FILES: FileLimits = { uploadMaxBytes: 1_000_000, archiveMaxEntries: 1_000, openUploads: 5, uploadKeepMs: 60_000, transfers: 8 }

export const startTestApi = async (options: { webDir?: string; files?: Partial<FileLimits> } = {}): Promise<TestApi> => {
  const database = await createTestDatabase()
  const logger = createLogger({ name: 'api', level: process.env['TEST_LOG'] ?? 'silent' })
  const announcer = createAnnouncer(createPostgresTransport(database.url, logger), logger)
  const keyring = createKeyring({ db: database.db, operatorKey: OPERATOR_KEY, logger })
  const { queue } = silentParts(database.db)
  const folder = await mkdtemp(path.join(tmpdir(), 'longhaul-api-'))
  const parts = {
    db: database.db,
    announcer,
    queue,
    keyring,
    logger,
    git: { allowedPrivateHosts: [], caFile: null, timeoutMs: 1_000 },
    snapshots: createDirectorySnapshotStore(folder),
    files: { ...FILES, ...options.files },
  }
  const running = await startApi(parts, { host: '127.0.0.1', port: 0, webDir: options.webDir ?? '/nowhere' })
  const url = `${running.url}/graphql`

  const ask = async (key: string | null, query: string, variables: Record<string, unknown> = {}): Promise<Answer> => {
    const headers = { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
    const { data = null, errors = [] } = (await response.json()) as Partial<Answer>
    return { status: response.status, data, errors }
  }
  const get = async <T>(key: string, query: string, variables: Record<string, unknown> = {}): Promise<T> => {
    const { data, errors } = await ask(key, query, variables)
    if (errors.length > 0 || data === null) throw new Error(JSON.stringify(errors))
    return data as T
  }

  return {
    url,
    database,
    parts,
    running,
    ask,
    get,
    socket: (key) =>
      createClient({
        url: url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        connectionParams: key === null ? {} : { authorization: `Bearer ${key}` },
        retryAttempts: 0,
        lazy: true,
      }),
    tenant: async () => {
      const { tenantId, adminKey } = await createTenant(
        database.db,
        { slug: `tenant-${++tenants}-${process.pid}`, name: 'Test', maxConcurrentSessions: null, checkpointRetention: null },
        async () => {},
      )
      const made = await get<{ createAgent: { agent: { id: string } }; createEnvironment: { environment: { id: string } } }>(
        adminKey,
        'mutation { createAgent(input: {name: "A", model: "claude-sonnet-5-5"}) { agent { id } } createEnvironment(input: {name: "E"}) { environment { id } } }',
      )
      return { tenantId, adminKey, agentId: made.createAgent.agent.id, environmentId: made.createEnvironment.environment.id }
    },
    key: async ({ adminKey }, role) => {
      const made = await get<{ createApiKey: { secret: string } }>(
        adminKey,
        'mutation ($role: Role!) { createApiKey(input: {name: "k", role: $role}) { secret } }',
        { role },
      )
      return made.createApiKey.secret
    },
    stop: async () => {
      await running.stop()
      await announcer.close()
      await database.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
