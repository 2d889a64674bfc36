import { updateSession } from '@longhaul/core/src/sessions/update-session.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { UpdateSessionInput } from '../../generated/resolver-types.ts'
import { label, optional, parseInput, wholeNumber } from '../../graphql/parse-input.ts'
import { checkSessionId } from './act.ts'
import { metadata } from './metadata.ts'

const input = z.object({ title: optional(label()), metadata, maxEvaluations: optional(wholeNumber(1, 1_000)) })

/** What is left out stays; a null takes the title away. */
export const updateSessionMutation = async (_: unknown, args: { input: UpdateSessionInput }, context: RequestContext) => {
  const caller = context.caller('MEMBER')
  const sessionId = checkSessionId(args.input.id)
  const { title, metadata: given, maxEvaluations } = parseInput(input, args.input)
  await updateSession(context.parts, caller, {
    sessionId,
    title: args.input.title === undefined ? undefined : title,
    metadata: given ?? undefined,
    maxEvaluations: maxEvaluations ?? undefined,
  })
  return { session: { id: sessionId, tenantId: caller.tenantId } }
}
