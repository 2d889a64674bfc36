import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { createLogger } from '../logger.ts'
import { createApiKey } from './create-api-key.ts'
import { createTenant } from './create-tenant.ts'
import { ensureOperatorKey } from './ensure-operator-key.ts'
import { createKeyring, KEY_CACHE_MS, type Keyring } from './keyring.ts'
import { revokeApiKey } from './revoke-api-key.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const keep = async () => {}
let database: TestDatabase
let keyring: Keyring
let tenantId: string
let adminKey: string

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  keyring = createKeyring({ db: database.db, operatorKey: undefined, logger })
  const made = await createTenant(
    database.db,
    { slug: `t${Math.random().toString(36).slice(2)}`, name: 'T', maxConcurrentSessions: null, checkpointRetention: null },
    keep,
  )
  tenantId = made.tenantId
  adminKey = made.adminKey
})

test("a tenant's first key is an ADMIN's", async () => {
  expect(await keyring.authenticate(adminKey)).toMatchObject({ role: 'ADMIN', tenantId })
})

test('a key that looks right and was never made opens nothing', async () => {
  const { createApiKeySecret } = await import('./api-key.ts')
  expect(await keyring.authenticate(createApiKeySecret().secret)).toBeNull()
  expect(await keyring.authenticate('')).toBeNull()
})

test("a key's prefix with another secret opens nothing", async () => {
  const { createApiKeySecret } = await import('./api-key.ts')
  const { secret, hash } = createApiKeySecret()
  await database.superuser.query('update api_key set prefix = $1 where tenant_id = $2', [secret.slice(0, 13), tenantId])
  expect(await keyring.authenticate(secret)).toBeNull()
  await database.superuser.query('update api_key set hash = $1 where tenant_id = $2', [hash, tenantId])
  keyring.forget()
  expect(await keyring.authenticate(secret)).toMatchObject({ tenantId })
})

test('a revoked key is refused as soon as its verdict is stale', async () => {
  const { keyId, secret } = await createApiKey(database.db, { tenantId, name: 'k', role: 'VIEWER', expiresAt: null }, keep)
  expect(await keyring.authenticate(secret)).toMatchObject({ role: 'VIEWER' })
  await revokeApiKey(database.db, { tenantId, keyId })
  await vi.waitFor(async () => expect(await keyring.authenticate(secret)).toBeNull(), { timeout: KEY_CACHE_MS + 1_000, interval: 50 })
})

test('an expired key is refused', async () => {
  const { secret } = await createApiKey(database.db, { tenantId, name: 'k', role: 'VIEWER', expiresAt: new Date(Date.now() - 1) }, keep)
  expect(await keyring.authenticate(secret)).toBeNull()
})

test("a tenant can't revoke another tenant's key", async () => {
  const other = await createTenant(
    database.db,
    { slug: `o${Math.random().toString(36).slice(2)}`, name: 'O', maxConcurrentSessions: null, checkpointRetention: null },
    keep,
  )
  const principal = await keyring.authenticate(adminKey)
  await expect(revokeApiKey(database.db, { tenantId: other.tenantId, keyId: principal?.keyId ?? '' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
})

test('the use of a key is noted', async () => {
  const principal = await keyring.authenticate(adminKey)
  await vi.waitFor(async () => {
    const { rows } = await database.superuser.query('select last_used_at from api_key where id = $1', [principal?.keyId])
    expect(rows[0].last_used_at).toBeInstanceOf(Date)
  })
})

test("the operator's key is made once, and one from the environment replaces it", async () => {
  const made = await Promise.all([ensureOperatorKey(database.db), ensureOperatorKey(database.db)])
  const [secret] = made.filter((key) => key !== null)
  expect(made.filter((key) => key !== null)).toHaveLength(1)
  expect(await keyring.authenticate(secret as string)).toMatchObject({ role: 'OPERATOR', tenantId: null })
  const fixed = createKeyring({ db: database.db, operatorKey: 'an operator key of ours', logger })
  expect(await fixed.authenticate('an operator key of ours')).toMatchObject({ role: 'OPERATOR' })
  expect(await fixed.authenticate(secret as string)).toBeNull()
  expect(await fixed.authenticate(adminKey)).toMatchObject({ role: 'ADMIN' })
})
