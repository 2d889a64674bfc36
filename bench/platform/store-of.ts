import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'

const stores = new WeakMap<TestDatabase, string>()

/** The snapshot store of a database's apis and workers, as SNAPSHOT_URL: one that starts with another is refused. Gone with this process. */
export const storeOf = (test: TestDatabase): string => {
  const known = stores.get(test)
  if (known !== undefined) return known
  const folder = mkdtempSync(path.join(tmpdir(), 'longhaul-bench-store-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const url = pathToFileURL(folder).href
  stores.set(test, url)
  return url
}
