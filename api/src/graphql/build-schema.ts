import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  buildASTSchema,
  concatAST,
  type GraphQLEnumType,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isUnionType,
  parse,
} from 'graphql'
import type { RequestContext } from '../context.ts'
import type { Resolvers } from '../generated/resolver-types.ts'

/** Any resolver table, as the wiring sees it. */
type FieldTable = Record<string, unknown>

/**
 * The executable schema: every .graphql file of the api, with the resolver tables of its modules. Throws when a table names what the
 * SDL does not have, or when a root field has no resolver: both are our
 * mistakes, found at start. Subscriptions have none: see subscriptions/subscribe.ts.
 */
export const buildExecutableSchema = (tables: readonly Resolvers<RequestContext>[]): GraphQLSchema => {
  const schema = buildASTSchema(concatAST(readSources().map((source) => parse(source))))
  for (const table of tables) {
    for (const [typeName, fields] of Object.entries(table)) attach(schema, typeName, fields as FieldTable)
  }
  for (const root of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      if (field.resolve === undefined) throw new Error(`${root?.name}.${field.name} has no resolver`)
    }
  }
  return schema
}

const readSources = (): string[] => {
  const folder = path.join(import.meta.dirname, '..')
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.graphql'))
  return names.sort().map((name) => readFileSync(path.join(folder, name), 'utf8'))
}

const attach = (schema: GraphQLSchema, typeName: string, table: FieldTable): void => {
  const type = schema.getType(typeName)
  if (isScalarType(type)) {
    const { serialize, parseValue, parseLiteral } = table as unknown as typeof type
    Object.assign(type, { serialize, parseValue, parseLiteral })
    return
  }
  if (isUnionType(type) || isInterfaceType(type)) {
    type.resolveType = table['__resolveType'] as NonNullable<typeof type.resolveType>
    return
  }
  if (!isObjectType(type))
    throw new Error(
      `resolvers for ${typeName}, which is ${type === undefined ? 'not in the schema' : (type as GraphQLEnumType).toString()}`,
    )
  for (const [name, resolver] of Object.entries(table)) {
    const field = type.getFields()[name]
    if (field === undefined) throw new Error(`a resolver for ${typeName}.${name}, which is not in the schema`)
    field.resolve = resolver as NonNullable<typeof field.resolve>
  }
}
