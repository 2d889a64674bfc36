/** `npm run check`: asks a database, an engine and a snapshot store whether R1 to R11 hold. Exits 1 when one is violated, 2 when it can't ask. */
import { parseArgs } from 'node:util'
import { openSnapshotStore } from '../checkpoints/open-snapshot-store.ts'
import { checkDatabase } from './check-database.ts'
import { isEngineReachable } from './list-containers.ts'
import { renderReport } from './render-report.ts'

const HELP = `npm run check -- [options]

Checks a Longhaul installation from outside. Reads only. The database is CHECK_DATABASE_URL, or MIGRATE_DATABASE_URL, or DATABASE_URL.

  --witness FILE         what the model's server counted (JSONL); may be repeated
  --client-witness FILE  what clients saw (JSONL; format in core/src/checker/read-witness.ts); may be repeated
  --snapshots DIR        where snapshots lie; SNAPSHOT_URL or DATA_DIR when left out
  --docker ADDRESS       the engine; DOCKER_HOST, or unix:///var/run/docker.sock where it answers, when left out
  --settled              all work was given time to end: sessions still at work are an error
  --grace MS             how long something may be on its way before it counts as forgotten (60000)
  --json                 one JSON object on stdout
  --help
`

const DEFAULT_ENGINE = 'unix:///var/run/docker.sock'

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      witness: { type: 'string', multiple: true, default: [] },
      'client-witness': { type: 'string', multiple: true, default: [] },
      snapshots: { type: 'string' },
      docker: { type: 'string' },
      settled: { type: 'boolean', default: false },
      grace: { type: 'string', default: '60000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const databaseUrl = process.env['CHECK_DATABASE_URL'] || process.env['MIGRATE_DATABASE_URL'] || process.env['DATABASE_URL']
  if (!databaseUrl) throw new Error('CHECK_DATABASE_URL is missing: set it in the environment.')
  if (!/^\d{1,9}$/.test(values.grace)) throw new Error('--grace must be a whole number of milliseconds.')
  const report = await checkDatabase({
    databaseUrl,
    snapshots: openStore(values.snapshots),
    dockerHost: await findEngine(values.docker),
    modelWitnesses: values.witness,
    clientWitnesses: values['client-witness'],
    graceMs: Number(values.grace),
    settled: values.settled,
  })
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : renderReport(report))
  return report.violations.length > 0 ? 1 : 0
}

const openStore = (directory: string | undefined) => {
  const snapshotUrl = process.env['SNAPSHOT_URL'] || undefined
  return openSnapshotStore(
    directory === undefined
      ? { snapshotUrl, dataDir: process.env['DATA_DIR'] || '.longhaul' }
      : { dataDir: directory, snapshotUrl: `file://${directory}` },
  )
}

/** An engine that was named must answer; the default one is asked only where it does. */
const findEngine = async (named: string | undefined): Promise<string | null> => {
  const address = named ?? process.env['DOCKER_HOST']
  if (address) return address
  return (await isEngineReachable(DEFAULT_ENGINE)) ? DEFAULT_ENGINE : null
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
