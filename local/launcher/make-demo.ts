// The demo: a tenant, an agent, an environment and a session, all made through the public API like anybody's.
import { readFile, writeFile } from 'node:fs/promises'
import { repairConditions, repairPrompt, repairResources } from '@longhaul/core/testing/scripted-model/scripts/repair.ts'
import { type ApiClient, createApiClient } from '../session/api-client.ts'

export type Demo = { tenantId: string; adminKey: string; agentId?: string; environmentId?: string; sessionId?: string }

const SLUG = 'demo'
/** What the tenant may spend in a month with a real model: enough to play, not enough to regret. */
const TENANT_CAP_USD = '5'
const SESSION_CAP_USD = '0.50'
const MODEL = 'claude-sonnet-5-5'

/** The demo tenant of this installation, made when it is missing; its key is kept in `file` (0600). */
export async function ensureDemoTenant({ url, operatorKey, file }: { url: string; operatorKey: string; file: string }): Promise<Demo> {
  const operator = createApiClient({ url, key: operatorKey })
  const known = JSON.parse(await readFile(file, 'utf8').catch(() => 'null')) as Demo | null // the first start
  const { tenant } = await operator
    .request<{ tenant: { id: string } | null }>(`query { tenants(first: 200) { edges { node { id slug } } } }`)
    .then((found) => ({ tenant: findTenant(found) }))
  if (known && known.tenantId === tenant?.id) return known
  const demo = tenant ? await makeKey(operator, tenant.id) : await makeTenant(operator)
  await save(file, demo) // at once: the key is shown only this time
  return demo
}

function findTenant(found: unknown): { id: string } | null {
  const { tenants } = found as { tenants: { edges: { node: { id: string; slug: string } }[] } }
  return tenants.edges.find(({ node }) => node.slug === SLUG)?.node ?? null
}

async function makeTenant(operator: ApiClient): Promise<Demo> {
  const { createTenant } = await operator.request<{ createTenant: { tenant: { id: string }; adminKey: string } }>(
    'mutation ($input: CreateTenantInput!) { createTenant(input: $input) { tenant { id } adminKey } }',
    { input: { slug: SLUG, name: 'Demo' } },
  )
  const tenantId = createTenant.tenant.id
  await operator.request('mutation ($input: SetBudgetInput!) { setBudget(input: $input) { budget { id } } }', {
    input: { scope: 'TENANT', scopeId: tenantId, period: 'MONTH', limitUsd: TENANT_CAP_USD },
  })
  return { tenantId, adminKey: createTenant.adminKey }
}

/** The tenant is there but its key is lost, because DATA_DIR is not the one it was made from. */
async function makeKey(operator: ApiClient, tenantId: string): Promise<Demo> {
  const { createApiKey } = await operator.request<{ createApiKey: { secret: string } }>(
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }',
    { input: { tenantId, name: 'demo', role: 'ADMIN' } },
  )
  return { tenantId, adminKey: createApiKey.secret }
}

/**
 * Starts the demo session: a small repository to repair, and conditions the agent can't touch. Each step is made once; another `run` is
 * another session.
 */
export async function startDemoSession(
  client: ApiClient,
  { demo, file, scripted, run }: { demo: Demo; file: string; scripted: boolean; run?: string },
): Promise<string> {
  demo.agentId ??= await create(client, 'agent', { name: 'repairer', model: MODEL, system: 'You repair code. Work only in /workspace.' })
  demo.environmentId ??= await create(client, 'environment', { name: 'default' })
  await save(file, demo)
  demo.sessionId = await create(client, 'session', {
    agentId: demo.agentId,
    environmentId: demo.environmentId,
    title: 'Repair the calculator',
    // A real model is told in words; the marker is for the scripted one.
    prompt: scripted ? repairPrompt : repairPrompt.replace(/\s*\[\[script:[^\]]*\]\]/, ''),
    doneConditions: repairConditions,
    resources: repairResources,
    budgetUsd: SESSION_CAP_USD,
    ...(run === undefined ? {} : { idempotencyKey: `demo-session-${run}` }),
  })
  await save(file, demo)
  return demo.sessionId
}

async function create(client: ApiClient, what: 'agent' | 'environment' | 'session', input: Record<string, unknown>): Promise<string> {
  const type = what[0]?.toUpperCase() + what.slice(1)
  const document = `mutation ($input: Create${type}Input!) { made: create${type}(input: $input) { ${what} { id } } }`
  // The key makes a repetition after a crash find what was made.
  const { made } = await client.request<{ made: Record<string, { id: string }> }>(document, {
    input: { idempotencyKey: `demo-${what}`, ...input },
  })
  return made[what]?.id ?? ''
}

async function save(file: string, demo: Demo): Promise<void> {
  await writeFile(file, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 })
}
