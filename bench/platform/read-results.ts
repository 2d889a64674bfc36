import type { TestDatabase } from '@longhaul/core/testing/database.ts'

/** When each result of a tool that ran was appended, in milliseconds since 1970; `holding`: only of those whose output holds this. */
export const readResults = async (test: TestDatabase, sessionId: string, holding = ''): Promise<number[]> => {
  const { rows } = await test.superuser.query<{ at: string }>(
    `select extract(epoch from created_at) * 1000 as at from event where session_id = $1 and type = 'agent.tool_result'
       and payload->>'outcome' = 'done' and position($2 in payload->>'output') > 0 order by seq`,
    [sessionId, holding],
  )
  return rows.map(({ at }) => Number(at))
}

/** The newest of them. Throws where there is none. */
export const readLastResult = async (test: TestDatabase, sessionId: string, holding = ''): Promise<number> => {
  const at = (await readResults(test, sessionId, holding)).at(-1)
  if (at === undefined) throw new Error(`session ${sessionId} has no result of a tool that holds ${JSON.stringify(holding)}`)
  return at
}
