import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import { COSTLY_FIELDS, LIMITS, UNSIZED_LIST } from './limits.ts'

type Measure = { cost: number; fields: number; aliases: number; directives: number; depth: number }
const NOTHING: Measure = { cost: 0, fields: 0, aliases: 0, directives: 0, depth: 0 }

type Walk = {
  schema: GraphQLSchema
  fragments: Map<string, FragmentDefinitionNode>
  known: Map<string, Measure>
  open: Set<string>
  variables: Record<string, unknown>
}

/**
 * Measures an operation before it is validated: validation itself takes quadratic time on documents made for it. Each fragment is
 * measured once and added where it is used, so nested fragments cost no time, only their sum. Throws the first limit that is passed.
 */
export const refuseLargeDocument = (schema: GraphQLSchema, document: DocumentNode, variables: Record<string, unknown>): void => {
  const fragments = new Map<string, FragmentDefinitionNode>()
  const operations: OperationDefinitionNode[] = []
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition)
  }
  const walk: Walk = { schema, fragments, known: new Map(), open: new Set(), variables }
  let total = NOTHING
  for (const operation of operations) {
    const measured = measureSelections(walk, operation.selectionSet, schema.getRootType(operation.operation) ?? undefined)
    total = add(total, { ...measured, directives: measured.directives + (operation.directives?.length ?? 0) })
  }
  for (const name of ['fields', 'depth', 'aliases', 'directives', 'cost'] as const) {
    if (total[name] > LIMITS[name])
      throw new GraphQLError(`The query's ${name} are ${total[name]}; at most ${LIMITS[name]} are accepted. Ask for less at once.`)
  }
}

const add = (a: Measure, b: Measure): Measure => ({
  cost: a.cost + b.cost,
  fields: a.fields + b.fields,
  aliases: a.aliases + b.aliases,
  directives: a.directives + b.directives,
  depth: Math.max(a.depth, b.depth),
})

const measureSelections = (walk: Walk, { selections }: SelectionSetNode, parent: GraphQLOutputType | undefined): Measure =>
  selections.reduce((sum, selection) => add(sum, measureSelection(walk, selection, parent)), NOTHING)

const measureSelection = (walk: Walk, selection: SelectionNode, parent: GraphQLOutputType | undefined): Measure => {
  const directives = selection.directives?.length ?? 0
  if (selection.kind === Kind.FIELD) return measureField(walk, selection, parent)
  if (selection.kind === Kind.INLINE_FRAGMENT) {
    const type = selection.typeCondition ? walk.schema.getType(selection.typeCondition.name.value) : parent
    return add(measureSelections(walk, selection.selectionSet, type as GraphQLOutputType | undefined), { ...NOTHING, directives })
  }
  return add(measureFragment(walk, selection.name.value), { ...NOTHING, directives })
}

const measureFragment = (walk: Walk, name: string): Measure => {
  const known = walk.known.get(name)
  if (known !== undefined) return known
  const fragment = walk.fragments.get(name)
  if (fragment === undefined) return NOTHING // validation will say so
  if (walk.open.has(name)) throw new GraphQLError(`The fragment ${name} contains itself.`, { nodes: fragment })
  walk.open.add(name)
  const type = walk.schema.getType(fragment.typeCondition.name.value) as GraphQLOutputType | undefined
  const measured = measureSelections(walk, fragment.selectionSet, type)
  walk.open.delete(name)
  walk.known.set(name, measured)
  return measured
}

const measureField = (walk: Walk, field: FieldNode, parent: GraphQLOutputType | undefined): Measure => {
  const own = { cost: 0, fields: 1, aliases: field.alias ? 1 : 0, directives: field.directives?.length ?? 0, depth: 1 }
  if (!field.selectionSet) return own
  const definition = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[field.name.value] : undefined
  const type = definition && getNamedType(definition.type)
  const inner = measureSelections(walk, field.selectionSet, isCompositeType(type) ? type : undefined)
  const times = definition === undefined ? 1 : readSize(walk, field, definition)
  return { ...add(own, inner), cost: (COSTLY_FIELDS[field.name.value] ?? 1) + inner.cost * times, depth: 1 + inner.depth }
}

type FieldDefinition = { type: GraphQLOutputType; args: readonly { name: string; defaultValue?: unknown }[] }

/** How many objects a field gives: its page size, as asked for or by default; a connection's own edges are counted at the connection. */
const readSize = (walk: Walk, field: FieldNode, { type, args }: FieldDefinition): number => {
  if (!args.some(({ name }) => name === 'first'))
    return isListType(getNullableType(type)) && field.name.value !== 'edges' ? UNSIZED_LIST : 1
  for (const name of ['first', 'last']) {
    const value = field.arguments?.find((argument) => argument.name.value === name)?.value
    const given =
      value?.kind === Kind.INT ? Number(value.value) : value?.kind === Kind.VARIABLE ? walk.variables[value.name.value] : undefined
    if (typeof given === 'number' && given > 0) return given
  }
  const fallback = args.find(({ name }) => name === 'first')?.defaultValue
  return typeof fallback === 'number' ? fallback : 50
}
