import { execFile } from 'node:child_process'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { type Played, playSession } from '../../testing/play-session.ts'

let test: TestDatabase
let played: Played
beforeAll(async () => {
  test = await createTestDatabase()
  played = await playSession(test.db)
})
afterAll(() => test.close())

/** As an operator runs it. */
const check = (environment: Record<string, string>, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, DOCKER_HOST: '', ...environment }
    execFile(process.execPath, [path.join(import.meta.dirname, 'main.ts'), ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })

describe('npm run check', () => {
  it('says of every rule whether it holds, and exits 0 when none is violated', async () => {
    const { code, stdout, stderr } = await check({ CHECK_DATABASE_URL: test.superuserUrl })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^R2 {3}holds$/m)
    expect(stdout).toMatch(/^R1 {3}not checked$/m)
    expect(stdout).toMatch(/clean\n$/)
  })

  it('exits 1 when a rule is violated, and says for a machine which and where', async () => {
    await test.superuser.query("update event set actor = 'nobody' where session_id = $1 and seq = 2", [played.sessionId])
    const { code, stdout } = await check({ DATABASE_URL: test.url }, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout).violations).toEqual([{ rule: 'R2', at: played.sessionId, what: 'event 2: the hash chain does not verify' }])
  })

  it("exits 2 when it can't ask, and says why", async () => {
    expect(await check({})).toMatchObject({ code: 2, stderr: expect.stringContaining('CHECK_DATABASE_URL') })
    expect(await check({ CHECK_DATABASE_URL: 'postgres://127.0.0.1:1/x' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ECONNREFUSED'),
    })
  })
})
