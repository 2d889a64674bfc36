import type { SessionLogSubscription } from '../../../generated/graphql.ts'

type Delta = Extract<SessionLogSubscription['sessionEvents'], { __typename: 'Delta' }>

/** An answer on its way. It is best effort: the event of the same turn replaces it. */
export type Draft = { turnId: string; attempt: number; blocks: DraftBlock[] }
export type DraftBlock = { block: number; kind: Delta['kind']; text: string }

/** What of a block is kept while it streams: an agent may write without end, and the event brings what counts. */
const MAX_TEXT = 100_000

/** The draft with a piece more; the same object where the piece adds nothing. */
export const withDelta = (draft: Draft | null, delta: Delta): Draft | null => {
  const mine = draft !== null && draft.turnId === delta.turnId
  if (mine && delta.attempt < draft.attempt) return draft
  // A higher attempt, or another turn: what came before does not count.
  const blocks = mine && delta.attempt === draft.attempt ? draft.blocks : []
  const known = blocks.find(({ block }) => block === delta.block)
  const text = known?.text ?? ''
  const isNext = delta.offset === text.length && text.length < MAX_TEXT
  if (!isNext && blocks.length > 0) return draft // a gap: the event will bring the whole
  const grown: DraftBlock = { block: delta.block, kind: delta.kind, text: isNext ? text + delta.text : '' }
  if (!isNext) return { turnId: delta.turnId, attempt: delta.attempt, blocks: [] }
  const others = blocks.filter(({ block }) => block !== delta.block)
  return { turnId: delta.turnId, attempt: delta.attempt, blocks: [...others, grown].sort((one, other) => one.block - other.block) }
}
