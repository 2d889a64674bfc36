/**
 * Owns the proof from outside: R1 to R11 of what must hold after any fault, asked of a database, the snapshot store, the engine and
 * what witnesses wrote down. Tests, benchmarks and operators use this one program. Must never change a row, and never call a rule
 * checked that it could not check.
 *
 * All rows are read in one snapshot, in the application's own roles, so that it runs beside a system at work and needs no superuser.
 */
import { connectionConfig } from '@longhaul/prisma/src/client.ts'
import pg from 'pg'
import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import { checkClientWitness } from './check-client-witness.ts'
import { checkLeftovers } from './check-leftovers.ts'
import { checkLogs } from './check-logs.ts'
import { checkModelWitness } from './check-model-witness.ts'
import { checkMoney } from './check-money.ts'
import { checkRows } from './check-rows.ts'
import { checkSnapshots } from './check-snapshots.ts'
import { checkTenancy } from './check-tenancy.ts'
import type { Report, Scope, Unchecked, Violation } from './report.ts'
import { RULES } from './report.ts'

export type CheckOptions = {
  /** Any login that may become the application's roles: the application's own, the owner's, a superuser's. */
  databaseUrl: string
  /** Where snapshots lie; null when it can't be reached from here. */
  snapshots?: SnapshotStore | null
  /** The engine's socket or address, such as unix:///var/run/docker.sock; null when there is none to ask. */
  dockerHost?: string | null
  /** JSONL files of the scripted model, and of clients (formats in read-witness.ts). */
  modelWitnesses?: readonly string[]
  clientWitnesses?: readonly string[]
  /** How long something may be on its way (a take-over, the reaper) before it counts as forgotten. */
  graceMs?: number
  /** Work was given time to end: a session that is still at work is one that hangs. */
  settled?: boolean
}

const DEFAULT_GRACE_MS = 60_000

/** Throws when the database can't be asked; everything else is in the report. */
export const checkDatabase = async (options: CheckOptions): Promise<Report> => {
  const client = new pg.Client(connectionConfig(options.databaseUrl, 'longhaul_system'))
  client.on('error', () => {}) // the query at hand reports it
  await client.connect()
  const violations: Violation[] = []
  const unchecked: Unchecked[] = []
  try {
    await client.query('begin isolation level repeatable read read only')
    const { rows } = await client.query<{ id: string }>('select id from tenant order by id')
    await checkTenancy(client, violations)
    const scope = { client, violations, unchecked, graceMs: options.graceMs ?? DEFAULT_GRACE_MS, settled: options.settled ?? false }
    for (const { id: tenantId } of rows) await checkTenant({ ...scope, tenantId }, options)
    await checkOutside(
      scope,
      options,
      rows.map(({ id }) => id),
    )
  } finally {
    await client.end()
  }
  return {
    violations,
    unchecked,
    checked: RULES.filter((rule) => !unchecked.some((item) => item.rule === rule && item.whole)),
  }
}

const checkTenant = async (scope: Scope, { snapshots }: CheckOptions): Promise<void> => {
  await scope.client.query('set local role longhaul_app')
  await scope.client.query("select set_config('longhaul.tenant', $1, true)", [scope.tenantId])
  await checkRows(scope)
  await checkLogs(scope)
  await checkMoney(scope)
  if (snapshots) await checkSnapshots(scope, snapshots)
}

const checkOutside = async (scope: Omit<Scope, 'tenantId'>, options: CheckOptions, tenantIds: readonly string[]): Promise<void> => {
  const { unchecked } = scope
  await checkClientWitness(scope, { files: options.clientWitnesses ?? [], tenantIds })
  await checkModelWitness(scope, { files: options.modelWitnesses ?? [], tenantIds })
  if (!options.snapshots) unchecked.push({ rule: 'R8', why: 'no snapshot store was given', whole: true })
  await checkLeftovers(scope, {
    databaseUrl: options.databaseUrl,
    dockerHost: options.dockerHost ?? null,
    snapshots: options.snapshots ?? null,
    tenantIds,
  })
}
