import { cancelSession } from '@longhaul/core/src/sessions/cancel-session.ts'
import { deleteSession } from '@longhaul/core/src/sessions/delete-session.ts'
import { pauseSession } from '@longhaul/core/src/sessions/pause-session.ts'
import { resumeSession } from '@longhaul/core/src/sessions/resume-session.ts'
import { z } from 'zod'
import type { Resolvers } from '../../generated/resolver-types.ts'
import { longText, optional, parseInput } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { act, checkSessionId } from './act.ts'
import { createSessionMutation } from './create-session.ts'
import { findSessions } from './find-sessions.ts'
import { sendMessageMutation } from './send-message.ts'
import { sessionFields } from './session-fields.ts'
import { updateSessionMutation } from './update-session.ts'

export const sessionResolvers: Resolvers = {
  Query: {
    session: async (_, { id }, context) => {
      const { tenantId, load } = await context.locate('session', id)
      return { id, tenantId, row: await loadOne(load.session, 'session', id) }
    },
    sessions: findSessions,
  },
  Mutation: {
    createSession: createSessionMutation,
    updateSession: updateSessionMutation,
    deleteSession: async (_, { input }, context) => {
      await deleteSession(context.parts, context.caller('ADMIN'), { sessionId: checkSessionId(input.id) })
      return { id: input.id }
    },
    sendMessage: sendMessageMutation,
    pauseSession: (_, { input }, context) => act(context, input, (caller, sessionId) => pauseSession(context.parts, caller, { sessionId })),
    resumeSession: (_, { input }, context) =>
      act(context, input, (caller, sessionId) => resumeSession(context.parts, caller, { sessionId })),
    cancelSession: (_, { input }, context) => {
      const { reason } = parseInput(cancelInput, input)
      return act(context, input, (caller, sessionId) => cancelSession(context.parts, caller, { sessionId, reason }))
    },
  },
  Session: sessionFields,
  Thread: {
    costUsd: (row) => row.costNanos,
    status: async ({ tenantId, sessionId }, _, context) =>
      (await loadOne(context.tenant(tenantId).load.session, 'session', sessionId)).status,
  },
}

const cancelInput = z.object({ reason: optional(longText(2_000)) })
