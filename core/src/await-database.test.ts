import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { openDatabase } from '@longhaul/prisma/src/client.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awaitDatabase, UnsafeLoginError } from './await-database.ts'
import { createLogger } from './logger.ts'

let test: TestDatabase
const logger = createLogger({ name: 'test', level: 'silent' })
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

describe('a process that starts', () => {
  it('takes a login without rights of its own', async () => {
    await expect(awaitDatabase(test.db, { production: true, logger })).resolves.toBeUndefined()
  })

  it('refuses a superuser in production, and only there', async () => {
    const db = openDatabase({ url: test.superuserUrl })
    try {
      await expect(awaitDatabase(db, { production: true, logger })).rejects.toThrow(UnsafeLoginError)
      await expect(awaitDatabase(db, { production: false, logger })).resolves.toBeUndefined()
    } finally {
      await db.close()
    }
  })
})
