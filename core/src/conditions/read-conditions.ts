import type { Database } from '@longhaul/prisma/src/client.ts'
import type { ConditionSpec } from './condition-spec.ts'

export type ConditionStatus = 'PENDING' | 'SATISFIED' | 'UNSATISFIED' | 'WAIVED'

/** `kind` and `spec` as `parseConditionSpec` gave them when the condition was added. */
export type Condition = { id: string; name: string; status: ConditionStatus } & ConditionSpec

type Of = { tenantId: string; session: { id: string } }

/** All conditions of a session in their order, waived ones too. */
export const readConditions = async (db: Pick<Database, 'app'>, { tenantId, session }: Of): Promise<Condition[]> => {
  const { rows } = await db.app.query<Condition>({
    name: 'read_conditions',
    text: 'select * from read_conditions($1, $2)',
    values: [tenantId, session.id],
  })
  return rows
}

/** Those that must hold before the session may complete. */
export const readOpenConditions = async (db: Pick<Database, 'app'>, of: Of): Promise<Condition[]> =>
  (await readConditions(db, of)).filter(isOpen)

export const isOpen = (condition: Condition): boolean => condition.status !== 'WAIVED'
