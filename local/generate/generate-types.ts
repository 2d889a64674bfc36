import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codegen } from '@graphql-codegen/core'
import { buildASTSchema, concatAST, type DocumentNode, parse } from 'graphql'

type Plugin = Parameters<typeof codegen>[0]['pluginMap'][string]

export type TypesToGenerate = {
  /** A .graphql file or a folder of them, as all paths here within `folder`. */
  schema: string
  /** A folder of operations. */
  documents?: string
  output: string
  plugins: Record<string, Plugin>
  config: object
}

/** Runs GraphQL Code Generator's plugins. Its command line would do the same with two hundred packages more. */
export const generateTypes = async (folder: string, { schema, documents, output, plugins, config }: TypesToGenerate): Promise<void> => {
  const parts = await readDocuments(join(folder, schema))
  const schemaNode = concatAST(parts.map(({ document }) => document))
  const text = await codegen({
    filename: output,
    schema: schemaNode,
    schemaAst: buildASTSchema(schemaNode),
    documents: documents ? await readDocuments(join(folder, documents)) : [],
    plugins: Object.keys(plugins).map((name) => ({ [name]: {} })),
    pluginMap: plugins,
    config: { ...config },
  })
  await mkdir(dirname(join(folder, output)), { recursive: true })
  await writeFile(join(folder, output), text)
}

type Document = { location: string; document: DocumentNode }

const readDocuments = async (place: string): Promise<Document[]> => {
  const isFile = (await stat(place)).isFile()
  const names = isFile ? [''] : (await readdir(place, { recursive: true })).filter((name) => name.endsWith('.graphql')).sort()
  return Promise.all(
    names.map(async (name) => {
      const location = join(place, name)
      return { location, document: parse(await readFile(location, 'utf8')) }
    }),
  )
}
