import { badInput } from '@longhaul/core/src/errors.ts'

/** Relay's arguments as a caller gives them. */
export type PageArgs = { first?: number | null; after?: string | null; last?: number | null; before?: string | null }

/** A checked request for a page. `size + 1` rows are read, in the page's direction, so that one knows whether there are more. */
export type Page = { size: number; forward: boolean; after: string | null; before: string | null }

export type Connection<T> = {
  edges: { cursor: string; node: T }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
}

export const MAX_PAGE = 200
/** Room for the longest path, which is the key of a folder's list. */
const MAX_CURSOR = 6_000

/** Cursors hold the key of a row, opaque to callers; `isKey` says what a key of this list looks like. */
export const parsePage = (args: PageArgs, { size = 50, isKey, field = '' }: { size?: number; isKey: RegExp; field?: string }): Page => {
  if (args.first != null && args.last != null) throw badInput(`${field}last`, 'left out when first is given')
  const forward = args.last == null
  const asked = (forward ? args.first : args.last) ?? size
  if (asked < 1 || asked > MAX_PAGE) throw badInput(`${field}${forward ? 'first' : 'last'}`, `from 1 to ${MAX_PAGE}`)
  return {
    size: asked,
    forward,
    after: parseCursor(args.after, `${field}after`, isKey),
    before: parseCursor(args.before, `${field}before`, isKey),
  }
}

/** `rows`: up to `size + 1` of them, as read: forward from the front, or backward from the end. `more` says that a page was cut short. */
export const toConnection = <Row, Node>(
  rows: readonly Row[],
  page: Page,
  { key, node, more = false }: { key: (row: Row) => string; node: (row: Row) => Node; more?: boolean },
): Connection<Node> => {
  const cut = rows.slice(0, page.size)
  const beyond = more || rows.length > page.size
  const edges = (page.forward ? cut : cut.toReversed()).map((row) => ({ cursor: toCursor(key(row)), node: node(row) }))
  return {
    edges,
    pageInfo: {
      hasNextPage: page.forward ? beyond : page.before !== null,
      hasPreviousPage: page.forward ? page.after !== null : beyond,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}

const toCursor = (key: string): string => Buffer.from(`c:${key}`).toString('base64url')

const parseCursor = (cursor: string | null | undefined, field: string, isKey: RegExp): string | null => {
  if (cursor == null) return null
  const text = cursor.length > MAX_CURSOR ? '' : Buffer.from(cursor, 'base64url').toString('utf8')
  if (!text.startsWith('c:') || !isKey.test(text.slice(2))) throw badInput(field, 'a cursor that this list gave')
  return text.slice(2)
}

/** Keys of lists that are ordered by id. */
export const ID_KEY = /^[a-z]{3}_[0-9a-z]{1,64}$/
/** Keys of lists that are ordered by a number. */
export const NUMBER_KEY = /^\d{1,9}$/
