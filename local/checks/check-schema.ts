// `npm run schema`: whether api/schema.graphql, which clients and reviewers read, is what the modules say; with --write it is made so.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildASTSchema, concatAST, lexicographicSortSchema, parse, printSchema } from 'graphql'

const root = dirname(dirname(import.meta.dirname))
const modules = join(root, 'api', 'src')
const printed = join(root, 'api', 'schema.graphql')

const files = readdirSync(modules, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.graphql'))
if (files.length === 0) stop('no .graphql file under api/src: what would the api serve?')
const document = concatAST(files.sort().map((name) => parse(readFileSync(join(modules, name), 'utf8'))))
const schema = `${printSchema(lexicographicSortSchema(buildASTSchema(document)))}\n`

if (process.argv.includes('--write')) writeFileSync(printed, schema)
else if (schema !== read(printed))
  stop('api/schema.graphql is not what the modules say: `npm run schema -- --write`, and look at the difference')
process.stderr.write(`api/schema.graphql holds ${files.length} modules\n`)

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // never printed yet
  }
}

function stop(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
