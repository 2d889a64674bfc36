import { PlatformError } from '@longhaul/core/src/errors.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NUMBER_KEY, type PageArgs, parsePage, toConnection } from './connection.ts'

const rows = Array.from({ length: 23 }, (_, index) => index + 1)

/** What a resolver does, over a list in memory. */
const read = (args: PageArgs) => {
  const page = parsePage(args, { isKey: NUMBER_KEY })
  const inside = rows.filter(
    (row) => (page.after === null || row > Number(page.after)) && (page.before === null || row < Number(page.before)),
  )
  const found = (page.forward ? inside : inside.toReversed()).slice(0, page.size + 1)
  return toConnection(found, page, { key: String, node: (row) => row })
}

test('walking forward or backward in pages of any size shows every row once, in order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.boolean(), (size, forward) => {
      const seen: number[] = []
      for (let cursor: string | null = null, more = true; more; ) {
        const { edges, pageInfo } = read(forward ? { first: size, after: cursor } : { last: size, before: cursor })
        const nodes = edges.map((edge) => edge.node)
        if (forward) seen.push(...nodes)
        else seen.unshift(...nodes)
        more = forward ? pageInfo.hasNextPage : pageInfo.hasPreviousPage
        cursor = forward ? pageInfo.endCursor : pageInfo.startCursor
      }
      expect(seen).toEqual(rows)
    }),
  )
})

const refusal = (args: PageArgs): unknown => {
  try {
    return read(args)
  } catch (error) {
    return error instanceof PlatformError ? [error.code, error.extensions.field] : error
  }
}

test.each([
  [{ first: 0 }, 'first'],
  [{ first: 201 }, 'first'],
  [{ first: -1 }, 'first'],
  [{ last: 201 }, 'last'],
  [{ first: 1, last: 1 }, 'last'],
  [{ after: 'x' }, 'after'],
  [{ after: Buffer.from('c:1 or 1=1').toString('base64url') }, 'after'],
  [{ last: 1, before: 'x'.repeat(10_000) }, 'before'],
])('%o is refused by its field', (args, field) => {
  expect(refusal(args)).toEqual(['BAD_USER_INPUT', field])
})
