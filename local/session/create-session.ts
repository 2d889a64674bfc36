// Makes a session through the public API, with agents and environments given by id or by name.
import { readFile } from 'node:fs/promises'
import type { ApiClient } from './api-client.ts'
import type { SessionOptions } from './parse-session-options.ts'

type Named = { id: string; name: string }
type Edges = { edges: { node: Named }[] }

export async function createSession(client: ApiClient, options: SessionOptions): Promise<string> {
  const [agentId, environmentId] = await Promise.all([
    findId(client, 'agents', options.agent),
    findId(client, 'environments', options.environment),
  ])
  const files = await Promise.all(
    options.files.map(async ({ path, from }) => ({ file: { path, base64: (await readFile(from)).toString('base64') } })),
  )
  const { title, prompt, budgetUsd, maxEvaluations, conditions, repositories } = options
  const input = {
    agentId,
    environmentId,
    title,
    prompt,
    budgetUsd,
    maxEvaluations,
    doneConditions: conditions,
    resources: [...files, ...repositories.map((git) => ({ git }))],
  }
  const made = await client.request<{ createSession: { session: { id: string } } }>(
    'mutation Create($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input },
  )
  return made.createSession.session.id
}

/** The id of what has this id or name; of the newest when nothing is given. */
async function findId(client: ApiClient, field: 'agents' | 'environments', wanted?: string): Promise<string> {
  if (wanted && /^(agt|env)_/.test(wanted)) return wanted
  const found = await client.request<Record<string, Edges>>(`query Find { ${field}(first: 200) { edges { node { id name } } } }`)
  const nodes = found[field]?.edges.map(({ node }) => node) ?? []
  const match = wanted ? nodes.find(({ name }) => name === wanted) : nodes[0]
  if (match) return match.id
  const known = nodes.map(({ name }) => name).join(', ') || 'none yet'
  throw new Error(`no ${field.slice(0, -1)} ${wanted ? `named "${wanted}"` : 'to work with'}; there are: ${known}`)
}
