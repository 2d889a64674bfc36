import type { Logger } from '@longhaul/core/src/logger.ts'
import { type DocumentNode, type ExecutionArgs, execute, Kind, type VariableNode, visit } from 'graphql'
import { formatError } from '../graphql/format-error.ts'
import { isStoredEvent, type SessionUpdate } from '../live/session-update.ts'
import type { EventParent, EventRow } from '../modules/parents.ts'

/** What one subscriber's document makes of an update. Subscribers with the same `key` get the same payload. */
export type FrameRenderer = { key: string; render(update: SessionUpdate): string }

const documentNumbers = new WeakMap<DocumentNode, number>()
let documents = 0

/**
 * Executing GraphQL once a subscriber is what fan-out costs, so it is done once an event, document and variables; only the
 * operation's id differs between frames. Everything an update holds is in memory, so execution ends in the same tick.
 */
export const createFrameRenderer = (
  args: ExecutionArgs,
  { tenantId, sessionId, logger }: { tenantId: string; sessionId: string; logger: Logger },
): FrameRenderer => ({
  key: JSON.stringify([numberOf(args.document), args.operationName ?? null, usedVariables(args)]),
  render: (update) => {
    const sessionEvents = isStoredEvent(update)
      ? ({ __typename: 'Event', tenantId, sessionId, seq: update.seq, row: update as EventRow } satisfies EventParent)
      : { __typename: 'Delta', ...update }
    const result = execute({ ...args, rootValue: { sessionEvents } })
    if (result instanceof Promise) throw new Error('an update was not read whole before it was rendered')
    const { errors, data } = result
    return JSON.stringify(errors === undefined ? { data } : { data, errors: errors.map((error) => formatError(error, logger)) })
  },
})

/** Admission gives every repetition of a query the same document. */
const numberOf = (document: DocumentNode): number => {
  const known = documentNumbers.get(document) ?? documents++
  documentNumbers.set(document, known)
  return known
}

/** Values of variables that shape the answer. Those of the subscription's own arguments (which session, after what) do not. */
const usedVariables = ({ document, variableValues }: ExecutionArgs): Record<string, unknown> => {
  const used: Record<string, unknown> = {}
  visit(document, {
    VariableDefinition: () => false,
    Argument: (node, _key, _parent, _path, ancestors) =>
      isRootArgument(ancestors) && node.value.kind === Kind.VARIABLE ? false : undefined,
    Variable: (node: VariableNode) => {
      used[node.name.value] = variableValues?.[node.name.value] ?? null
    },
  })
  return used
}

/** Document, its definitions, the operation, its selection set, its selections, the field, its arguments. */
const isRootArgument = (ancestors: readonly unknown[]): boolean => {
  const kinds = ancestors.flatMap((ancestor) => (Array.isArray(ancestor) ? [] : [(ancestor as { kind: string }).kind]))
  return kinds.join(' ') === [Kind.DOCUMENT, Kind.OPERATION_DEFINITION, Kind.SELECTION_SET, Kind.FIELD].join(' ')
}
