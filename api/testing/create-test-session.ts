import type { TestApi, TestTenant } from './start-test-api.ts'

export const createTestSession = async (api: TestApi, { adminKey, agentId, environmentId }: TestTenant): Promise<string> => {
  const made = await api.get<{ createSession: { session: { id: string } } }>(
    adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input: { agentId, environmentId, prompt: 'Do it.' } },
  )
  return made.createSession.session.id
}
