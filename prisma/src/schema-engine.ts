/**
 * Owns how the database is made and changed: migrations, roles, SQL functions. Never reads or writes a tenant's data.
 *
 * Prisma's schema engine as WebAssembly, so that migrating needs no command-line tool and no downloaded binary.
 */
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type * as Engine from '@prisma/schema-engine-wasm'

const root = path.join(import.meta.dirname, '..')
/** Node's own, as far as it is used here: TypeScript knows it only with all of the browser's types. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: Record<string, unknown>): Promise<{ instance: { exports: Record<string, unknown> } }>
}

const noFilter = { externalTables: [], externalEnums: [] }

/** Opens the engine on a database, acting as `longhaul_owner`. Close it soon: it keeps a session's advisory lock while it is open. */
export const openSchemaEngine = async (
  connectionString: string,
): Promise<{ engine: Engine.SchemaEngine; onError: () => string | null }> => {
  const bindings = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const require = createRequire(import.meta.url)
  const wasmFile = path.join(path.dirname(require.resolve('@prisma/schema-engine-wasm/schema_engine_bg')), 'schema_engine_bg.wasm')
  const { instance } = await WebAssembly.instantiate(await readFile(wasmFile), { './schema_engine_bg.js': bindings })
  bindings.__wbg_set_wasm(instance.exports)
  const start = instance.exports['__wbindgen_start']
  if (typeof start === 'function') start()
  let lastError: string | null = null
  const factory = bindMigrationAwareSqlAdapterFactory(
    sendScriptsWhole(new PrismaPg({ connectionString, max: 1, options: '-c role=longhaul_owner' }), (message) => {
      lastError = message
    }),
  )
  const engine = await bindings.SchemaEngine.new({ datamodels: await readDatamodels() }, () => {}, factory)
  return { engine, onError: () => lastError }
}

/** The migrations on disk, in the engine's terms. */
export const readMigrations = async (): Promise<Engine.MigrationList> => {
  const baseDir = path.join(root, 'migrations')
  const names = (await readdir(baseDir, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const migrationDirectories = await Promise.all(
    names.sort().map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: await readFile(path.join(baseDir, name, 'migration.sql'), 'utf8') },
      },
    })),
  )
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories,
  }
}

/** The SQL that makes an empty database match the models: what a first migration starts from. */
export const printSchemaSql = async (engine: Engine.SchemaEngine): Promise<string> => {
  const files = (await readDatamodels()).map(([name, content]) => ({ path: name, content }))
  const result = await engine.diff({
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: null,
    filters: noFilter,
  })
  return result.stdout ?? ''
}

export { noFilter }

const readDatamodels = async (): Promise<[string, string][]> => {
  const models = (await readdir(path.join(root, 'models'))).filter((name) => name.endsWith('.prisma')).sort()
  const files = ['schema.prisma', ...models.map((name) => `models/${name}`)]
  return Promise.all(files.map(async (name): Promise<[string, string]> => [name, await readFile(path.join(root, name), 'utf8')]))
}

/**
 * The adapter splits a script at every `;`, which breaks `$$` bodies and leaves half a migration behind. Sent as one query,
 * a script is also one transaction.
 */
const sendScriptsWhole = (factory: PrismaPg, remember: (message: string) => void): PrismaPg => {
  const connect = factory.connect.bind(factory)
  factory.connect = async () => {
    const adapter = await connect()
    const inner = adapter as unknown as { client: { query(sql: string): Promise<unknown> }; onError(error: unknown): never }
    adapter.executeScript = async (script: string) => {
      try {
        await inner.client.query(script)
      } catch (error) {
        remember(error instanceof Error ? error.message : String(error))
        inner.onError(error)
      }
    }
    return adapter
  }
  return factory
}
