// `npm run imports`: the import rules of .dependency-cruiser.cjs, and proof that they were checked: with a TypeScript it can't use,
// dependency-cruiser reads no module, finds nothing wrong and exits 0.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

type Report = {
  modules: { source: string; dependencies: unknown[] }[]
  summary: { violations: { from: string; to: string; rule: { name: string } }[] }
}

const root = dirname(dirname(import.meta.dirname))
const folders = ['prisma', 'core', 'api', 'worker', 'web', 'local', 'bench'].filter((folder) => existsSync(join(root, folder)))
const cruiser = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs')

const { stdout, stderr } = spawnSync(
  process.execPath,
  [cruiser, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders],
  {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  },
)
if (!stdout.startsWith('{')) fail(`dependency-cruiser gave no report: ${stderr}`)
const { modules, summary } = JSON.parse(stdout) as Report

const read = modules.filter(({ source, dependencies }) => /^(core|prisma)\/.*\.ts$/.test(source) && dependencies.length > 0).length
if (read < 10) fail(`dependency-cruiser read the imports of only ${read} modules of core and prisma: does it find TypeScript 6?`)
for (const { from, to, rule } of summary.violations) process.stderr.write(`${from} imports ${to}: ${rule.name}\n`)
if (summary.violations.length > 0) fail(`${summary.violations.length} imports break the rules in .dependency-cruiser.cjs`)
process.stderr.write(`imports of ${modules.length} modules keep the rules\n`)

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
