import type { Platform } from '../start-platform.ts'

export type Customer = { tenantId: string; adminKey: string; memberKey: string; viewerKey: string; agentId: string; environmentId: string }

/** A tenant with a cap, a key of each role, an agent and an environment. */
export const makeCustomer = async ({ get, operatorKey }: Platform, slug = 'acme'): Promise<Customer> => {
  const made = await get<{ createTenant: { tenant: { id: string }; adminKey: string } }>(
    operatorKey,
    'mutation ($slug: String!) { createTenant(input: {slug: $slug, name: "Acme"}) { tenant { id } adminKey } }',
    { slug },
  )
  const { adminKey, tenant } = made.createTenant
  await get(
    operatorKey,
    'mutation ($id: ID!) { setBudget(input: {scope: TENANT, scopeId: $id, period: MONTH, limitUsd: "5"}) { budget { id } } }',
    { id: tenant.id },
  )
  const parts = await get<{
    createAgent: { agent: { id: string } }
    createEnvironment: { environment: { id: string } }
    member: { secret: string }
    viewer: { secret: string }
  }>(
    adminKey,
    `mutation {
      createAgent(input: {name: "Repairer", model: "claude-sonnet-5-5"}) { agent { id } }
      createEnvironment(input: {name: "Python"}) { environment { id } }
      member: createApiKey(input: {name: "ci", role: MEMBER}) { secret }
      viewer: createApiKey(input: {name: "wall", role: VIEWER}) { secret }
    }`,
  )
  return {
    tenantId: tenant.id,
    adminKey,
    memberKey: parts.member.secret,
    viewerKey: parts.viewer.secret,
    agentId: parts.createAgent.agent.id,
    environmentId: parts.createEnvironment.environment.id,
  }
}

/** A session by the API, for tests that only look at it. */
export const makeSession = async (platform: Platform, customer: Customer, input: Record<string, unknown>): Promise<string> => {
  const { agentId, environmentId, memberKey } = customer
  const made = await platform.get<{ createSession: { session: { id: string } } }>(
    memberKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input: { agentId, environmentId, ...input } },
  )
  const { id } = made.createSession.session
  platform.scene.note({ kind: 'accepted', sessionId: id, seq: 1 })
  return id
}
