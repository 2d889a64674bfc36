import { hash } from 'node:crypto'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import { PlatformError } from '../errors.ts'
import { KeyTakenError } from '../sessions/change-session.ts'
import { asTenant, setTenant } from './as-tenant.ts'

/** Ids that answer a repeated call. Never a secret: those are shown once. */
export type KeptAnswer = Record<string, string | number>

export type OnceKey = {
  /** The tenant's id, or OPERATOR_SCOPE. */
  scope: string
  mutation: string
  /** Null: the caller gave none, and every call is a new one. */
  key: string | null
  /** What was asked, with the key itself left out. */
  input: unknown
}

/** Where the keys of callers without a tenant are kept. */
export const OPERATOR_SCOPE = 'operator'

/**
 * Runs a mutation at most once for a key: `keep` must be called inside the mutation's own transaction, so that the answer is
 * there exactly when the change is; an operation that keeps it in SQL takes `kept` instead. The same key with another input is CONFLICT. Keys are forgotten after 7 days.
 */
export const answerOnce = async <A extends KeptAnswer>(
  db: Database,
  once: OnceKey,
  run: (
    keep: (client: pg.ClientBase, answer: A) => Promise<void>,
    kept: { mutation: string; key: string; inputHash: string } | null,
  ) => Promise<A>,
): Promise<{ answer: A; repeated: boolean }> => {
  if (once.key === null) return { answer: await run(async () => {}, null), repeated: false }
  const inputHash = hashInput(once.input)
  try {
    return {
      answer: await run((client, answer) => keepAnswer(client, { once, inputHash, answer }), {
        mutation: once.mutation,
        key: once.key,
        inputHash,
      }),
      repeated: false,
    }
  } catch (error) {
    // Most keys are new, so it is only looked for now: the key was taken, or what the first call did is what refuses the second.
    if (!(error instanceof KeyTakenError || error instanceof PlatformError)) throw error
    const first = await findAnswer<A>(db, once, inputHash)
    if (first === null) throw error
    return { answer: first, repeated: true }
  }
}

/** Removes keys past their 7 days, of all tenants. */
export const forgetOldKeys = async (db: Database): Promise<void> => {
  await db.system.query("delete from idempotency_key where created_at < clock_timestamp() - interval '7 days'")
}

const findAnswer = <A>(db: Database, once: OnceKey, inputHash: string): Promise<A | null> =>
  asTenant(db, once.scope, async (client) => {
    const { rows } = await client.query<{ input_hash: string; result: A }>({
      name: 'find_answer',
      text: "select input_hash, result from idempotency_key where tenant_id = $1 and mutation = $2 and key = $3 and created_at >= clock_timestamp() - interval '7 days'",
      values: [once.scope, once.mutation, once.key],
    })
    const [row] = rows
    if (row === undefined) return null
    if (row.input_hash !== inputHash) {
      throw new PlatformError(
        'CONFLICT',
        `The idempotency key ${JSON.stringify(once.key)} was used for ${once.mutation} with another input.`,
        { status: 'KEY_USED', field: 'input.idempotencyKey' },
      )
    }
    return row.result
  })

/** A second writer of the same key waits here for the first one's commit. Leaves the scope as the transaction's tenant. */
const keepAnswer = async (
  client: pg.ClientBase,
  { once, inputHash, answer }: { once: OnceKey; inputHash: string; answer: KeptAnswer },
): Promise<void> => {
  if (once.scope === OPERATOR_SCOPE) await setTenant(client, OPERATOR_SCOPE)
  const { rowCount } = await client.query({
    name: 'keep_answer',
    text: `insert into idempotency_key (tenant_id, mutation, key, input_hash, result) values ($1, $2, $3, $4, $5)
      on conflict (tenant_id, mutation, key) do update set input_hash = excluded.input_hash, result = excluded.result, created_at = clock_timestamp()
      where idempotency_key.created_at < clock_timestamp() - interval '7 days'`,
    values: [once.scope, once.mutation, once.key, inputHash, JSON.stringify(answer)],
  })
  if (rowCount === 0) throw new KeyTakenError(`the idempotency key ${once.key} was taken meanwhile`)
}

/** The same for the same input, in whatever order its fields came. */
const hashInput = (input: unknown): string => hash('sha256', JSON.stringify(input, sortKeys), 'hex')

const sortKeys = (_: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return `${value}n`
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
