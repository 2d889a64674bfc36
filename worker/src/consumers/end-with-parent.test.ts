import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createTestDatabase } from '@longhaul/core/testing/database.ts'
import { expect, it } from 'vitest'

const entry = path.join(import.meta.dirname, '../suspect-main.ts')

it('a process for suspects whose parent dies while it starts ends by itself', async () => {
  const test = await createTestDatabase()
  const env = { ...process.env, DATABASE_URL: test.url, DRAIN_MS: '0', SANDBOX: 'process', LOG_LEVEL: 'error' }
  const child = fork(entry, ['suspect'], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  try {
    const exited = once(child, 'exit')
    child.disconnect()
    expect((await exited)[1]).toBeNull() // by itself, not by a signal
  } finally {
    child.kill('SIGKILL')
    await test.close()
  }
}, 30_000)
