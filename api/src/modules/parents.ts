/** What resolvers get as their parent: rows, with the words that the database keeps as text under their types. */

import type * as db from '@longhaul/prisma/generated/client.ts'
import type * as api from '../generated/resolver-types.ts'

type Typed<Row, Words> = Omit<Row, keyof Words> & Words

export type TenantRow = Typed<db.Tenant, { status: api.TenantStatus }>
export type ApiKeyRow = Typed<Omit<db.ApiKey, 'hash'>, { role: api.Role }>
export type AgentRow = db.Agent
export type AgentVersionRow = Typed<db.AgentVersion, { tools: api.ToolGrant[] }>
export type EnvironmentRow = db.Environment
export type EnvironmentVersionRow = Typed<db.EnvironmentVersion, { network: api.NetworkPolicy }>
export type EnvironmentBuildRow = Typed<
  Pick<
    db.EnvironmentBuild,
    | 'id'
    | 'tenantId'
    | 'engineId'
    | 'exitCode'
    | 'failedLine'
    | 'problem'
    | 'log'
    | 'logTruncated'
    | 'createdAt'
    | 'startedAt'
    | 'finishedAt'
  >,
  { state: 'asked' | 'building' | 'built' | 'failed' }
>
export type SessionRow = Typed<
  db.Session,
  { status: api.SessionStatus; stopReason: api.StopReason | null; sandboxState: api.SandboxState | null }
>
export type ThreadRow = db.Thread
export type EventRow = Pick<db.Event, 'seq' | 'type' | 'threadId' | 'actor' | 'payload' | 'hash' | 'costNanos' | 'createdAt'>
export type ConditionRow = Typed<db.Condition, { kind: api.ConditionKind; status: api.ConditionStatus }>
export type EvaluationRow = Typed<db.Evaluation, { verdict: api.Verdict }>
export type CheckpointRow = Typed<
  Pick<db.Checkpoint, 'id' | 'tenantId' | 'sessionId' | 'threadId' | 'label' | 'snapshotId' | 'createdAt'>,
  { seq: number; trigger: api.CheckpointTrigger }
>
export type BudgetRow = Typed<db.Budget, { scope: api.BudgetScope; period: api.BudgetPeriod; setBy: api.BudgetSetter }>

/** Sessions and events are named first and read only when a field needs their row: a mutation that answers with an id reads nothing. */
export type SessionParent = { __typename?: 'Session'; id: string; tenantId: string; row?: SessionRow }
export type EventParent = { __typename?: 'Event'; tenantId: string; sessionId: string; seq: number; row?: EventRow }
/** What a comparison has found is read when a field needs it. */
export type ComparisonParent = { tenantId: string; a: SessionParent; b: SessionParent }
