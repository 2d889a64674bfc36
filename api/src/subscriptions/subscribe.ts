import { badInput, PlatformError } from '@longhaul/core/src/errors.ts'
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { type ApiParts, createContext, type RequestContext } from '../context.ts'
import type { SubscriptionSessionChangedArgs, SubscriptionSessionEventsArgs } from '../generated/resolver-types.ts'
import { createFrameCache, type FrameOf } from '../live/frame-cache.ts'
import type { SessionChanges } from '../live/session-changes.ts'
import type { SessionFeed } from '../live/session-feed.ts'
import { loadOne } from '../modules/load-one.ts'
import { createFrameRenderer } from './frame-renderer.ts'
import type { FrameSink } from './frame-sink.ts'

/** What a subscription knows of its socket, beside the request's context. */
export type SubscriptionContext = RequestContext & { sink: FrameSink }

/** What is going on: logs, and changes of a tenant's sessions. */
export type Live = { events: SessionFeed; changes: SessionChanges }

type Source = AsyncGenerator<ExecutionResult, void, void>

/**
 * Starts a subscription. Events' frames go straight to the socket, so the stream that is returned stays empty and only ends, or
 * throws what ends it; changes of sessions are executed one by one, each with nothing read before.
 */
export const createSubscribe = (parts: ApiParts, live: Live) => {
  const frameOf = createFrameCache<Buffer>()

  return async (args: ExecutionArgs): Promise<Source | ExecutionResult> => {
    const operation = getOperationAST(args.document, args.operationName) as OperationDefinitionNode
    const coerced = getVariableValues(args.schema, operation.variableDefinitions ?? [], args.variableValues ?? {}, { maxErrors: 10 })
    if (coerced.errors) return { errors: coerced.errors }
    const field = findRootField(args.document, operation.selectionSet)
    const definition = field && args.schema.getSubscriptionType()?.getFields()[field.name.value]
    if (!field || !definition) return { errors: [new GraphQLError('A subscription selects one field.')] }
    try {
      const values = getArgumentValues(definition, field, coerced.coerced)
      if (field.name.value === 'sessionEvents') return await startSessionEvents({ parts, live, frameOf, args }, values as EventsArgs)
      return startSessionChanged({ parts, live, args }, values as SubscriptionSessionChangedArgs)
    } catch (error) {
      if (error instanceof GraphQLError) return { errors: [error] }
      const originalError = error instanceof Error ? error : new Error(String(error))
      return { errors: [new GraphQLError(originalError.message, { nodes: field, path: [field.name.value], originalError })] }
    }
  }
}

type EventsArgs = Required<SubscriptionSessionEventsArgs>
type Start = { parts: ApiParts; live: Live; args: ExecutionArgs }

const startSessionEvents = async (
  { parts, live, frameOf, args }: Start & { frameOf: FrameOf<Buffer> },
  { sessionId, after, deltas }: EventsArgs,
): Promise<Source> => {
  if (after < 0) throw badInput('after', 'the seq of the last event seen, or 0')
  const context = args.contextValue as SubscriptionContext
  const { tenantId, load } = await context.locate('session', sessionId)
  await loadOne(load.session, 'session', sessionId)
  const { sink } = context
  const updates = live.events.subscribe({ tenantId, sessionId, after, deltas })
  const renderer = createFrameRenderer(args, { tenantId, sessionId, logger: parts.logger })
  const push = async (): Promise<void> => {
    for await (const update of updates) {
      sink.next(frameOf(update, renderer.key, () => Buffer.from(renderer.render(update))))
      // Who does not take its frames is not read for: the feed lets it fall behind, and it reads the log when it can again.
      if (!sink.ready) await sink.whenReady()
    }
  }
  const pushed = push()
  pushed.catch(() => {}) // the stream says so
  return toSource({
    next: async () => {
      await pushed
      return { done: true, value: undefined }
    },
    stop: () => updates.return?.(),
  })
}

const startSessionChanged = ({ parts, live, args }: Start, values: SubscriptionSessionChangedArgs): Source => {
  const context = args.contextValue as SubscriptionContext
  const { tenantId } = context.ownTenant(values.tenantId)
  const changes = live.changes.subscribe({ tenantId })
  return toSource({
    next: async () => {
      for (;;) {
        const change = await changes.next()
        if (change.done) return { done: true, value: undefined }
        const sessionChanged = { id: change.value, tenantId }
        const result = await execute({ ...args, rootValue: { sessionChanged }, contextValue: createContext(parts, context.principal) })
        // It was deleted meanwhile: there is no newest state to tell of.
        if (!result.errors?.every(isNotFound)) return { done: false, value: result }
      }
    },
    stop: () => changes.return?.(),
  })
}

/** An async generator to graphql-ws, whose `return` does not wait for a `next` that is open. */
const toSource = ({
  next,
  stop,
}: {
  next: () => Promise<IteratorResult<ExecutionResult, void>>
  stop: () => Promise<unknown> | undefined
}): Source => {
  const source: Source = {
    next,
    return: async () => {
      await stop()
      return { done: true, value: undefined }
    },
    throw: async (error) => {
      await stop()
      throw error
    },
    [Symbol.asyncIterator]: () => source,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
  return source
}

const isNotFound = ({ originalError }: GraphQLError): boolean =>
  originalError instanceof PlatformError && originalError.code === 'NOT_FOUND'

/** Validation lets one field stand at the root, perhaps inside a fragment. */
const findRootField = (document: DocumentNode, { selections }: SelectionSetNode): FieldNode | null => {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) return selection
    const holder = selection.kind === Kind.INLINE_FRAGMENT ? selection : findFragment(document, selection.name.value)
    const found = holder ? findRootField(document, holder.selectionSet) : null
    if (found !== null) return found
  }
  return null
}

const findFragment = (document: DocumentNode, name: string): FragmentDefinitionNode | undefined =>
  document.definitions.find(
    (definition): definition is FragmentDefinitionNode => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
  )
