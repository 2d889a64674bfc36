import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeDanger } from './open-sandbox-provider.ts'
import { chooseRoot } from './process/choose-root.ts'

const local = 'postgresql://a:b@127.0.0.1:5432/longhaul'
const external = 'postgresql://a:b@db.example/longhaul'

test('without root, process sandboxes are refused beside anything worth reading, unless someone insists', () => {
  expect(describeDanger({ sandboxUnsafe: false, anthropicApiKey: undefined, databaseUrl: local }, false)).toBeNull()
  expect(describeDanger({ sandboxUnsafe: false, anthropicApiKey: 'key', databaseUrl: local }, false)).toMatch(
    /ANTHROPIC_API_KEY.*SANDBOX_UNSAFE/,
  )
  expect(describeDanger({ sandboxUnsafe: false, anthropicApiKey: undefined, databaseUrl: external }, false)).toMatch(/DATABASE_URL/)
  expect(describeDanger({ sandboxUnsafe: true, anthropicApiKey: 'key', databaseUrl: external }, false)).toBeNull()
  expect(describeDanger({ sandboxUnsafe: false, anthropicApiKey: 'key', databaseUrl: external }, true)).toBeNull()
})

test("folders lie where sessions' users can get", async () => {
  const closed = await mkdtemp(join(tmpdir(), 'longhaul-data-'))
  const name = `test-${process.pid}`
  expect(await chooseRoot(closed, name)).toBe(process.getuid?.() === 0 ? `/var/tmp/longhaul-sandboxes-${name}` : join(closed, 'sandboxes'))
  await chmod(closed, 0o755)
  expect(await chooseRoot(closed, name)).toBe(join(closed, 'sandboxes'))
  expect((await stat(join(closed, 'sandboxes'))).mode & 0o777).toBe(0o711)
  await rm(closed, { recursive: true })
  await rm(`/var/tmp/longhaul-sandboxes-${name}`, { recursive: true, force: true })
})
