import { readdir, readFile } from 'node:fs/promises'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import { listSandboxes } from '../platform/remove-sandboxes.ts'

/** What must not grow with time, by name; memory in MB, everything else in pieces. */
export type Sample = Record<string, number>

/** `processes` by name. Rows that history needs (events, charges, sessions) grow and are not looked at. */
export const takeSample = async (test: TestDatabase, processes: Record<string, number>): Promise<Sample> => {
  const ofProcesses = await Promise.all(
    Object.entries(processes).map(async ([name, pid]) => [
      [`${name}: resident MB`, (await readResidentBytes(pid)) / 1e6],
      [`${name}: open files`, (await readdir(`/proc/${pid}/fd`)).length],
    ]),
  )
  return { ...Object.fromEntries(ofProcesses.flat()), ...(await countRows(test)), containers: (await listSandboxes(test.url)).length }
}

const ROWS = {
  'turns that are not settled': "select count(*) from turn where state in ('due', 'running', 'waiting')",
  claims: 'select count(*) from claim where worker_id is not null',
  'reservations held': "select count(*) from reservation where state = 'held'",
  'workers with a lease': 'select count(*) from lease',
  'database connections': 'select count(*) from pg_stat_activity where datname = current_database()',
}

const countRows = async ({ superuser }: TestDatabase): Promise<Sample> => {
  const columns = Object.entries(ROWS).map(([name, query]) => `(${query})::int as "${name}"`)
  const { rows } = await superuser.query<Sample>(`select ${columns.join(', ')}`)
  return rows[0]!
}

const readResidentBytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}
