// `npm run fork`: one session gone on with in several ways, and what came of each; a small client of the public API.
import { type ApiClient, createApiClient } from './api-client.ts'
import { cleanText } from './clean-text.ts'
import { awaitRest, renderComparison } from './compare-sessions.ts'
import { FORK_HELP, parseForkOptions } from './parse-fork-options.ts'
import { readDemoKey } from './read-demo-key.ts'

try {
  const options = parseForkOptions(process.argv.slice(2), process.env, await readDemoKey())
  if (options === 'help') {
    process.stdout.write(FORK_HELP)
    process.exit(0)
  }
  const client = createApiClient(options)
  const checkpointId = options.from.startsWith('ckp_') ? options.from : await takeCheckpoint(client, options.from, options.label)
  process.stdout.write(`checkpoint ${checkpointId}\n`)
  const { forkSession } = await client.request<{ forkSession: { sessions: { id: string }[] } }>(
    'mutation Fork($input: ForkSessionInput!) { forkSession(input: $input) { sessions { id } } }',
    { input: { checkpointId, forks: options.forks } },
  )
  const ids = forkSession.sessions.map(({ id }) => id)
  for (const [index, id] of ids.entries()) process.stdout.write(`fork ${id}: ${cleanText(options.forks[index]?.title ?? '')}\n`)
  const sessions = await awaitRest(client, { ids, onRest: ({ id, status }) => process.stdout.write(`${id} is ${status}\n`) })
  process.stdout.write(`\n${renderComparison(sessions)}\n`)
  client.close()
} catch (error) {
  process.stderr.write(`${cleanText(error instanceof Error ? error.message : String(error))}\n`)
  process.exit(1)
}

async function takeCheckpoint(client: ApiClient, sessionId: string, label?: string): Promise<string> {
  const { createCheckpoint } = await client.request<{ createCheckpoint: { checkpoint: { id: string } } }>(
    'mutation Checkpoint($input: CreateCheckpointInput!) { createCheckpoint(input: $input) { checkpoint { id } } }',
    { input: { sessionId, label } },
  )
  return createCheckpoint.checkpoint.id
}
