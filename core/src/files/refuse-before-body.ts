import { type Caller, type CoreParts, inTransaction, lockSession } from '../sessions/change-session.ts'
import { refuseUpload } from './accept-upload.ts'

/** Says no before a body is read to whom the acceptance would say it at its end. Throws NOT_FOUND, FORBIDDEN, CONFLICT. */
export const refuseBeforeBody = ({ db }: Pick<CoreParts, 'db'>, { tenantId }: Caller, sessionId: string): Promise<void> =>
  inTransaction(db, async (client) => refuseUpload(await lockSession(client, { tenantId, sessionId })))
