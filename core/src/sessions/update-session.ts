import { type Caller, type CoreParts, changeSession } from './change-session.ts'

/** What is undefined stays. */
export type UpdateSession = {
  sessionId: string
  title?: string | null | undefined
  metadata?: Record<string, unknown> | undefined
  maxEvaluations?: number | undefined
}

/** Changes what people say of a session; nothing that its log tells. */
export const updateSession = async (parts: CoreParts, caller: Caller, input: UpdateSession): Promise<void> => {
  await changeSession(parts, { tenantId: caller.tenantId, sessionId: input.sessionId }, async (session, client) => {
    await client.query(
      `update session set title = case when $3 then $4 else title end, metadata = coalesce($5::jsonb, metadata), max_evaluations = coalesce($6, max_evaluations),
         updated_at = clock_timestamp() where id = $1 and tenant_id = $2`,
      [
        session.id,
        caller.tenantId,
        input.title !== undefined,
        input.title ?? null,
        input.metadata === undefined ? null : JSON.stringify(input.metadata),
        input.maxEvaluations ?? null,
      ],
    )
    return null
  })
}
