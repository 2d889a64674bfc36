// What `npm start` does. Reads downward: options, sandbox and database at once, processes, ready,
// demo, and at a signal all of it backward.
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createApiClient } from '../session/api-client.ts'
import { cleanText } from '../session/clean-text.ts'
import { showSession } from '../session/show-session.ts'
import { chooseSandbox, planEngine } from './choose-sandbox.ts'
import { findFreePort } from './find-free-port.ts'
import { keepSecret } from './keep-secret.ts'
import { ensureDemoTenant, startDemoSession } from './make-demo.ts'
import { parsePort, parseStartOptions, START_HELP } from './parse-start-options.ts'
import { prepareDatabase } from './prepare-database.ts'
import { takeRunningFile } from './running-file.ts'
import { createScreen } from './screen.ts'
import { startProcesses } from './start-processes.ts'

/** A turn in a model call may take this long to hand over; then it is cut off, and goes on at the next start. */
const DRAIN_MS = 30_000

const screen = createScreen(process.stderr)
/** What has been started, newest last; undone backward. */
const undo: { what: string; stop: () => Promise<void>; kill?: () => void }[] = []
let leaving = false

process.on('SIGINT', () => void leave(0))
process.on('SIGTERM', () => void leave(0))
process.on('SIGHUP', () => void leave(0))

try {
  await start()
} catch (error) {
  if (!leaving) {
    screen.say(cleanText(error instanceof Error ? error.message : String(error)))
    await leave(1)
  }
}

async function start(): Promise<void> {
  const options = parseStartOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(START_HELP)
    return
  }
  const root = dirname(dirname(import.meta.dirname))
  const port = parsePort(process.env.PORT)
  const dataDir = resolve(process.env.DATA_DIR ?? '.longhaul')
  await mkdir(dataDir, { recursive: true, mode: 0o755 })
  const runningFile = await takeRunningFile(dataDir, screen.say)
  undo.push({ what: 'running.json', stop: async () => runningFile.remove() })
  if (!(await findFreePort(port, process.env.HOST))) throw new Error(`port ${port} is taken by another program: set PORT to a free one`)
  const operatorKey = process.env.OPERATOR_KEY ?? (await keepSecret(join(dataDir, 'operator-key')))

  const mayAsk = options.demo && process.stdin.isTTY === true
  const plan = await planEngine({ screen, install: options.install, mayAsk })
  const [sandbox, database] = await Promise.all([
    chooseSandbox(plan, { dataDir, screen }),
    prepareDatabase({ root, dataDir, screen }).then((prepared) => {
      undo.push({ what: 'PostgreSQL', stop: prepared.stop })
      return prepared
    }),
  ])
  const warn = () => {
    if (sandbox.kind === 'process') screen.say(`! tools run WITHOUT ISOLATION on this machine (SANDBOX=process): ${sandbox.why}`)
  }
  warn()
  if (leaving) return

  const { databaseUrl } = database
  const processes = await startProcesses({ root, dataDir, port, databaseUrl, operatorKey, sandbox, runningFile, screen })
  undo.push({ what: 'worker and api', stop: () => processes.stop(DRAIN_MS), kill: processes.kill })
  await screen.step('api and worker', () => processes.ready)
  if (leaving) return

  const base = `http://127.0.0.1:${port}`
  const url = `${base}/graphql`
  const scripted = !process.env.ANTHROPIC_API_KEY
  screen.say('')
  screen.say(`  Longhaul        ${base}  (the console; GraphQL at /graphql)`)
  screen.say(`  operator key    ${operatorKey}`)
  screen.say(`  worker          pid ${processes.pidOf('worker')}: kill -9 it at any time, and watch its sessions go on`)
  screen.say(
    `  model           ${scripted ? 'SCRIPTED: it plays a part; set ANTHROPIC_API_KEY for a real one' : 'Anthropic, with your key'}`,
  )
  screen.say(`  data and logs   ${dataDir}`)
  if (!options.demo) {
    process.stdout.write(`${JSON.stringify({ ready: true, url: base, operatorKey })}\n`)
    return
  }
  const file = join(dataDir, 'demo.json')
  const demo = await ensureDemoTenant({ url, operatorKey, file })
  screen.say(`  demo tenant     ${demo.tenantId}, key ${demo.adminKey}`)
  screen.say('')
  const client = createApiClient({ url, key: demo.adminKey })
  if (demo.sessionId) {
    screen.say(`The demo session: npm run session -- --follow ${demo.sessionId}`)
    screen.say('One of your own: npm run session -- --help')
  } else {
    warn()
    const sessionId = await startDemoSession(client, { demo, file, scripted })
    screen.say(`demo session ${sessionId}: an agent repairs a small program until checks that it can't touch hold`)
    // A demo that fails is no reason to take the platform down.
    await showSession(client, { sessionId, output: process.stderr }).catch(
      (error: Error) => leaving || screen.say(cleanText(error.message)),
    )
    if (!leaving) screen.say('\nAll of it stays up. One of your own: npm run session -- --help · Ctrl-C stops')
  }
  client.close()
}

/** The first signal drains; a second one does not wait. */
async function leave(code: number): Promise<void> {
  if (leaving) {
    screen.say('not waiting')
    for (const { kill } of undo) kill?.()
    return
  }
  leaving = true
  for (const { what, stop } of undo.toReversed()) {
    // What can't be stopped must not keep the others from being stopped.
    if (what === 'running.json') await stop()
    else await screen.step(`stopping ${what}`, stop).catch(() => {})
  }
  process.exit(code)
}
