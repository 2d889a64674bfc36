// The words of `npm start` as what they ask for.
import { parseArgs } from 'node:util'

export type StartOptions = {
  /** Make the demo tenant, and run the demo session the first time. */
  demo: boolean
  /** Install what is missing from Debian's packages where that is possible. */
  install: boolean
}

export const START_HELP = `npm start                    everything on this machine: database, api, worker, demo
npm start -- --no-demo       no demo tenant, no questions; when ready, one line of JSON on stdout:
                             {"ready":true,"url":…,"operatorKey":…}; everything else goes to stderr
npm start -- --no-install    never installs a package; without a Docker engine tools run unprotected (SANDBOX=process)
npm start -- --help          this

Settings, from the environment:
  PORT                4000; GraphQL at /graphql, over HTTP and WebSocket
  HOST                127.0.0.1
  DATA_DIR            .longhaul: the database, keys, logs and snapshots
  DATABASE_URL        a PostgreSQL 18 of your own instead of the embedded one (MIGRATE_DATABASE_URL: as the role that owns and migrates)
  REDIS_URL           the queue on Redis instead of on Postgres
  SNAPSHOT_URL        snapshots in a folder (file:…) instead of in DATA_DIR
  OPERATOR_KEY        made and kept in DATA_DIR/operator-key when not set
  ANTHROPIC_API_KEY   a real model instead of the scripted one (ANTHROPIC_BASE_URL: where it answers)
  SANDBOX             docker, or process: no isolation
  DOCKER_HOST         the Docker engine's address
  WORKER_CONCURRENCY  turns that one worker advances at once
  LOG_LEVEL           info; the logs are in DATA_DIR/logs

Ctrl-C drains and stops everything; the next start finds all data. Each part also runs alone: npm run migrate, npm run api,
npm run worker. npm run session -- --help starts sessions of your own.
`

/** Throws an Error whose message is for the person at the terminal. */
export function parseStartOptions(args: string[]): StartOptions | 'help' {
  const { values } = parseArgs({
    args,
    strict: true,
    options: { help: { type: 'boolean' }, 'no-demo': { type: 'boolean' }, 'no-install': { type: 'boolean' } },
  })
  if (values.help) return 'help'
  return { demo: !values['no-demo'], install: !values['no-install'] }
}

/** PORT as a number; throws naming the variable. */
export function parsePort(text: string | undefined): number {
  const port = Number(text ?? 4000)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`PORT: expected a number from 1 to 65535, got "${text}"`)
  return port
}
