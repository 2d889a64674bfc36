import { createId } from '@longhaul/core/src/ids.ts'
import { takeCheckpoint } from '@longhaul/core/testing/take-checkpoint.ts'
import type { TestApi, TestTenant } from './start-test-api.ts'

/** A tenant with one of everything, and the id of each. */
export type FurnishedTenant = TestTenant &
  Record<
    | 'sessionId'
    | 'conditionId'
    | 'budgetId'
    | 'keyId'
    | 'threadId'
    | 'agentVersionId'
    | 'environmentVersionId'
    | 'eventId'
    | 'buildId'
    | 'evaluationId'
    | 'checkpointId'
    | 'slug',
    string
  >

export const furnishTenant = async (api: TestApi, tenant: TestTenant): Promise<FurnishedTenant> => {
  const { adminKey, agentId, environmentId, tenantId } = tenant
  const made = await api.get<{
    createSession: {
      session: {
        id: string
        threads: { id: string }[]
        doneConditions: { id: string }[]
        budgets: { id: string }[]
        agentVersion: { id: string }
        environmentVersion: { id: string }
      }
    }
  }>(
    adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id threads { id } doneConditions { id } budgets { id } agentVersion { id } environmentVersion { id } } } }',
    {
      input: {
        agentId,
        environmentId,
        prompt: 'secret',
        budgetUsd: '1',
        doneConditions: [{ name: 'c', spec: { command: { run: 'true' } } }],
      },
    },
  )
  const { id: sessionId, threads, doneConditions, budgets, agentVersion, environmentVersion } = made.createSession.session
  const conditionId = doneConditions[0]?.id as string
  const evaluationId = createId('evl')
  await api.database.superuser.query(
    "insert into evaluation (id, tenant_id, session_id, condition_id, round, seq, verdict, explanation, evidence, workspace_digest, isolated) values ($1, $2, $3, $4, 1, 1, 'SATISFIED', 'secret', '{}', 'd', true)",
    [evaluationId, tenantId, sessionId, conditionId],
  )
  const buildId = createId('bld')
  await api.database.superuser.query(
    "insert into environment_build (id, tenant_id, environment_version_id, engine_id, setup_hash, state, log) values ($1, $2, $3, 'eng', 'hash', 'failed', 'secret')",
    [buildId, tenantId, environmentVersion.id],
  )
  const { viewer } = await api.get<{ viewer: { apiKey: { id: string }; tenant: { slug: string } } }>(
    adminKey,
    '{ viewer { apiKey { id } tenant { slug } } }',
  )
  return {
    ...tenant,
    sessionId,
    conditionId,
    evaluationId,
    buildId,
    checkpointId: (await takeCheckpoint(api.database.db, { tenantId, sessionId })).id,
    budgetId: budgets[0]?.id as string,
    keyId: viewer.apiKey.id,
    slug: viewer.tenant.slug,
    threadId: threads[0]?.id as string,
    agentVersionId: agentVersion.id,
    environmentVersionId: environmentVersion.id,
    eventId: `evt_${sessionId}_1`,
  }
}
