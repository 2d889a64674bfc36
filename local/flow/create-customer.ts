import type { Platform } from './start-platform.ts'

export type Customer = { adminKey: string; memberKey: string; agentId: string; otherAgentId: string; environmentId: string }

/** A tenant with two agents, an environment, and keys of an admin and a member. */
export const createCustomer = async ({ get, operatorKey }: Platform): Promise<Customer> => {
  const made = await get<{ createTenant: { adminKey: string } }>(
    operatorKey,
    'mutation { createTenant(input: {slug: "customer", name: "Customer"}) { adminKey } }',
  )
  const { adminKey } = made.createTenant
  const parts = await get<{
    one: { agent: { id: string } }
    other: { agent: { id: string } }
    createEnvironment: { environment: { id: string } }
    createApiKey: { secret: string }
  }>(
    adminKey,
    `mutation {
      one: createAgent(input: {name: "One", model: "claude-sonnet-5-5"}) { agent { id } }
      other: createAgent(input: {name: "Other", model: "claude-haiku-5-5", system: "Be brief."}) { agent { id } }
      createEnvironment(input: {name: "Any"}) { environment { id } }
      createApiKey(input: {name: "ci", role: MEMBER}) { secret }
    }`,
  )
  return {
    adminKey,
    memberKey: parts.createApiKey.secret,
    agentId: parts.one.agent.id,
    otherAgentId: parts.other.agent.id,
    environmentId: parts.createEnvironment.environment.id,
  }
}
