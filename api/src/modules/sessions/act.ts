import { notFound } from '@longhaul/core/src/errors.ts'
import type { Caller } from '@longhaul/core/src/sessions/change-session.ts'
import type { RequestContext } from '../../context.ts'
import { isId } from '../../graphql/parse-input.ts'

type Act = (caller: Caller, sessionId: string) => Promise<void>

/** What a MEMBER does to a session, and the session as it is afterwards. */
export const act = async (context: RequestContext, { sessionId }: { sessionId: string }, run: Act) => {
  const caller = context.caller('MEMBER')
  await run(caller, checkSessionId(sessionId))
  return { session: { id: sessionId, tenantId: caller.tenantId } }
}

/** Whatever can be no id of ours does not exist; the database is not asked. */
export const checkSessionId = (id: string): string => {
  if (!isId(id)) throw notFound('session', id)
  return id
}
