import { type GraphQLInputType, getNamedType, isEnumType, isInputObjectType, isListType, isNonNullType } from 'graphql'

/** The id for each place that takes one: by input type and field, or by mutation for `IdInput`. */
export type Ids = Record<string, string>

const TEXTS: Record<string, string> = {
  slug: 'new-slug',
  model: 'claude-sonnet-5-5',
  url: 'https://example.org/a.git',
  limitUsd: '1',
  budgetUsd: '1',
}

/** A mutation's input that parses, with an id of `ids` wherever one is wanted. */
export const makeInput = (ids: Ids, mutation: string, type: GraphQLInputType): unknown =>
  makeValue(ids, { type, name: 'input', where: mutation, mutation })

/** A value that parses, ids included. Optional fields are left out, but for ids. */
const makeValue = (
  ids: Ids,
  { type, name, where, mutation }: { type: GraphQLInputType; name: string; where: string; mutation: string },
): unknown => {
  const named = getNamedType(type)
  // A list may be empty, but for one that asks for at least one.
  if (isListType(isNonNullType(type) ? type.ofType : type))
    return named.name === 'ForkInput' ? [makeValue(ids, { type: named as GraphQLInputType, name, where, mutation })] : []
  if (isInputObjectType(named)) {
    if (named.name === 'ConditionSpecInput') return { command: { run: 'true' } }
    const fields = Object.values(named.getFields()).filter((field) => isNonNullType(field.type) || getNamedType(field.type).name === 'ID')
    const holder = named.name === 'IdInput' ? `Mutation.${mutation}` : named.name
    return Object.fromEntries(
      fields.map((field) => [
        field.name,
        makeValue(ids, { type: field.type, name: field.name, where: `${holder}.${field.name}`, mutation }),
      ]),
    )
  }
  if (named.name === 'ID') {
    const id = ids[where]
    if (id === undefined) throw new Error(`the walk has no id for ${where}: add one`)
    return id
  }
  if (isEnumType(named)) return named.name === 'BudgetScope' ? 'SESSION' : named.name === 'Role' ? 'VIEWER' : named.getValues()[0]?.name
  return named.name === 'Int' ? 1 : (TEXTS[name] ?? 'x')
}
