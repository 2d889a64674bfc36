import type { Session } from '@longhaul/prisma/generated/client.ts'

const BIGINTS = new Set(['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens', 'activeMs', 'sandboxMs'])
const DATES = new Set(['createdAt', 'updatedAt', 'completedAt', 'deletedAt', 'sandboxUsedAt'])

/** A session's row as a SQL function gives it (to_jsonb), in the client's shape. Pure. */
export const toSessionRow = (json: Record<string, unknown>): Session =>
  Object.fromEntries(
    Object.entries(json).map(([column, value]) => {
      const name = nameOf(column)
      if (value !== null && BIGINTS.has(name)) return [name, BigInt(value as number)]
      if (value !== null && DATES.has(name)) return [name, new Date(value as string)]
      return [name, value]
    }),
  ) as Session

const names = new Map<string, string>()

/** The columns are few and always the same: each is turned into its name once. */
const nameOf = (column: string): string => {
  const known = names.get(column)
  if (known !== undefined) return known
  const name = column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  names.set(column, name)
  return name
}
