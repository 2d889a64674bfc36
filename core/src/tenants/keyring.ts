import { hash, timingSafeEqual } from 'node:crypto'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { Logger } from '../logger.ts'
import { hashApiKey, parseApiKey } from './api-key.ts'
import { OPERATOR_KEY_ID, type Principal, type Role } from './role.ts'

/** A verdict is trusted for so long: with the sockets' own interval a revoked key's last socket closes within 5 s. */
export const KEY_CACHE_MS = 1_500
/** `lastUsedAt` is written at most so often for a key. */
const LAST_USED_MS = 60_000
const MAX_CACHED = 10_000

export interface Keyring {
  /** Who holds this key, or null. Rejects when the database can't be asked. */
  authenticate(key: string): Promise<Principal | null>
  /** Forgets what was read: the next use of any key asks the database. */
  forget(): void
}

type Row = { id: string; tenant_id: string | null; role: Role; hash: string; expired: boolean }
type Verdict = { until: number; principal: Promise<Principal | null> }

/** `operatorKey` of the environment, when there is one, is the only operator's key that counts. */
export const createKeyring = ({ db, operatorKey, logger }: { db: Database; operatorKey: string | undefined; logger: Logger }): Keyring => {
  const verdicts = new Map<string, Verdict>()
  const lastUsed = new Map<string, number>()
  const operatorHash = operatorKey === undefined ? null : sha256(operatorKey)

  const lookUp = async (key: string): Promise<Principal | null> => {
    const parsed = parseApiKey(key)
    if (parsed === null) return null
    const { rows } = await db.system.query<Row>({
      name: 'find_api_key',
      text: 'select id, tenant_id, role, hash, coalesce(revoked_at, expires_at) <= clock_timestamp() as expired from api_key where prefix = $1',
      values: [parsed.prefix],
    })
    const [row] = rows
    if (row === undefined || row.expired || !timingSafeEqual(Buffer.from(row.hash, 'hex'), Buffer.from(hashApiKey(key), 'hex'))) return null
    if (row.tenant_id === null || row.role === 'OPERATOR') {
      return operatorHash === null && row.role === 'OPERATOR' && row.tenant_id === null
        ? { keyId: row.id, role: 'OPERATOR', tenantId: null }
        : null
    }
    return { keyId: row.id, role: row.role, tenantId: row.tenant_id }
  }

  const noteUse = ({ keyId }: Principal): void => {
    const now = Date.now()
    if (now - (lastUsed.get(keyId) ?? 0) < LAST_USED_MS || keyId === OPERATOR_KEY_ID) return
    lastUsed.set(keyId, now)
    if (lastUsed.size > MAX_CACHED) lastUsed.clear()
    db.system.query('update api_key set last_used_at = clock_timestamp() where id = $1', [keyId]).catch((error) => {
      // Nothing depends on it, and it will be written with the key's next use.
      lastUsed.delete(keyId)
      logger.warn({ err: error }, 'the last use of a key could not be written')
    })
  }

  return {
    authenticate: async (key) => {
      const keyHash = sha256(key)
      if (operatorHash !== null && timingSafeEqual(keyHash, operatorHash))
        return { keyId: OPERATOR_KEY_ID, role: 'OPERATOR', tenantId: null }
      const cacheKey = keyHash.toString('base64')
      const known = verdicts.get(cacheKey)
      const now = Date.now()
      if (known !== undefined && known.until > now) return known.principal
      const principal = lookUp(key)
      if (verdicts.size >= MAX_CACHED) verdicts.clear()
      verdicts.set(cacheKey, { until: now + KEY_CACHE_MS, principal })
      principal.then(
        (found) => found !== null && noteUse(found),
        () => verdicts.delete(cacheKey),
      )
      return principal
    },
    forget: () => verdicts.clear(),
  }
}

const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer')
