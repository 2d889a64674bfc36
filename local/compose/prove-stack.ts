// `npm run test:compose`: brings docker-compose.yml up with the scripted model, kills an api and the worker while the demo session is at
// work, then backs up, destroys and restores in the middle of another one. Exits 0 when both have completed. Its settings are those of
// the stack (BASE_IMAGE, POSTGRES_IMAGE, …); it needs a Docker engine, and takes some minutes.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findFreePort } from '../launcher/find-free-port.ts'
import { type Demo, ensureDemoTenant, startDemoSession } from '../launcher/make-demo.ts'
import { type ApiClient, createApiClient } from '../session/api-client.ts'
import { openStack, waitFor } from './stack.ts'

const root = dirname(dirname(import.meta.dirname))
const port = (await findFreePort(0)) ?? 0
const url = `http://127.0.0.1:${port}/graphql`
const stack = openStack({
  root,
  project: `longhaulproof${process.pid}`,
  env: { LONGHAUL_LISTEN: `127.0.0.1:${port}`, CHUNK_DELAY_MS: '150' },
})
const folder = await mkdtemp(join(tmpdir(), 'longhaul-proof-'))
const began = Date.now()
const say = (text: string) => process.stdout.write(`${((Date.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${text}\n`)
const sessions: string[] = []

try {
  await stack.compose('up', '-d')
  await waitFor('the apis', 180_000, isReady)
  say('the stack is up')
  const operatorKey = await readOperatorKey()
  const { client, demo } = await openDemo(operatorKey)

  const first = await startSession(client, demo, 'first.json')
  await reaches(client, first, 8)
  await Promise.all([stack.crash('worker'), stack.crash('api-1')])
  say('the worker and an api were killed and came back')
  await completes(client, first)

  const second = await startSession(client, { tenantId: demo.tenantId, adminKey: demo.adminKey }, 'second.json')
  await reaches(client, second, 8)
  const head = await backUp(client, second)
  await reaches(client, second, head + 3)
  await stack.compose('down', '-v', '-t', '1')
  await removeSandboxes()
  say('everything was destroyed: containers, volumes, secrets, sandboxes')
  await restore()
  await waitFor('the apis', 180_000, isReady)
  say('restored')
  const { sessions: kept } = await client.request<{ sessions: { edges: unknown[] } }>('{ sessions(first: 10) { edges { node { id } } } }')
  if (kept.edges.length !== 2) throw new Error(`expected 2 sessions after the restore, found ${kept.edges.length}`)
  await completes(client, second)
  client.close()
  process.stdout.write('proved\n')
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.stdout.write(`${await stack.compose('logs', '--tail', '40').catch(String)}\n`)
  process.exitCode = 1
} finally {
  await stack.compose('down', '-v', '-t', '1').catch((error) => process.stdout.write(`${error}\n`))
  await removeSandboxes()
  await rm(folder, { recursive: true, force: true })
}

async function isReady(): Promise<true | null> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok || null
}

/** Shown once, by whichever api was first. */
function readOperatorKey(): Promise<string> {
  return waitFor("the operator's key", 30_000, async () => {
    const logs = await stack.compose('logs', '--no-color', 'api-1', 'api-2')
    return /operator's key, shown this once: (\S+)/.exec(logs)?.[1] ?? null
  })
}

async function openDemo(operatorKey: string): Promise<{ client: ApiClient; demo: Demo }> {
  const demo = await ensureDemoTenant({ url, operatorKey, file: join(folder, 'tenant.json') })
  return { client: createApiClient({ url, key: demo.adminKey }), demo }
}

async function startSession(client: ApiClient, demo: Demo, file: string): Promise<string> {
  const sessionId = await startDemoSession(client, { demo, file: join(folder, file), scripted: true, run: file })
  sessions.push(sessionId)
  say(`session ${sessionId}`)
  return sessionId
}

type Seen = { status: string; head: number; stopReason: string | null }

async function look(client: ApiClient, id: string): Promise<Seen> {
  const { session } = await client.request<{ session: Seen }>('query ($id: ID!) { session(id: $id) { status head stopReason } }', { id })
  return session
}

async function reaches(client: ApiClient, id: string, head: number): Promise<void> {
  const seen = await waitFor(`event ${head}`, 120_000, async () => {
    const now = await look(client, id)
    return now.head >= head ? now : null
  })
  if (seen.status === 'COMPLETED') throw new Error('the session was too fast: nothing could be killed in the middle')
  say(`at event ${seen.head}, ${seen.status}`)
}

async function completes(client: ApiClient, id: string): Promise<void> {
  const seen = await waitFor('COMPLETED', 300_000, async () => {
    const now = await look(client, id)
    return ['COMPLETED', 'FAILED', 'PAUSED', 'CANCELED'].includes(now.status) ? now : null
  })
  say(`${id}: ${seen.status} ${seen.stopReason ?? ''} with ${seen.head} events`)
  if (seen.status !== 'COMPLETED') throw new Error(`expected COMPLETED, not ${seen.status}`)
}

/** As docs/operating.md says: the database first, then the snapshots. Returns the session's head before. */
async function backUp(client: ApiClient, id: string): Promise<number> {
  const { head } = await look(client, id)
  const postgres = await stack.containerOf('postgres')
  const dump = join(folder, 'longhaul.dump')
  const command = ['docker', 'exec', postgres, 'pg_dump', '-U', 'postgres', '-Fc', '--exclude-schema=longhaul_queue', 'longhaul']
  await stack.run(command, { into: dump })
  const pack = ['docker', 'exec', '-u', '10002', await stack.containerOf('worker'), 'tar', '-C', '/var/lib/longhaul', '-cf', '-', '.']
  await stack.run(pack, { into: join(folder, 'snapshots.tar') })
  say(`backed up: ${(await stat(dump)).size} bytes of database`)
  return head
}

async function restore(): Promise<void> {
  await stack.compose('up', '-d', 'migrate')
  await waitFor('the migration', 120_000, async () => {
    const state = await stack.run(['docker', 'inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', await stack.containerOf('migrate')])
    return state === 'exited 0' || null
  })
  const postgres = await stack.containerOf('postgres')
  await stack.run(['docker', 'cp', join(folder, 'longhaul.dump'), `${postgres}:/tmp/longhaul.dump`])
  await stack.run([
    'docker',
    'exec',
    postgres,
    'pg_restore',
    '-U',
    'postgres',
    '--clean',
    '--if-exists',
    '--exit-on-error',
    '-1',
    '-d',
    'longhaul',
    '/tmp/longhaul.dump',
  ])
  const unpack = ['--entrypoint', 'tar', '-v', `${join(folder, 'snapshots.tar')}:/snapshots.tar:ro`, 'worker', '-C', '/var/lib/longhaul']
  await stack.compose('run', '--rm', '--no-deps', '-T', '--user', '10002:10002', ...unpack, '-xf', '/snapshots.tar')
  await stack.compose('up', '-d')
}

/** The sandboxes are the engine's, not compose's: on another machine they would not be there. */
async function removeSandboxes(): Promise<void> {
  for (const id of sessions) {
    const found = await stack.run(['docker', 'ps', '-aq', '--filter', `name=longhaul-${id}`])
    if (found !== '') await stack.run(['docker', 'rm', '-f', ...found.split('\n')])
  }
}
