/** `npm run soak -- [--minutes N] [--at-once N]`: mixed load, then what grew. Exits 1 when something grew or a rule was broken. */
import { parseArgs } from 'node:util'
import { prepareImage } from '../platform/prepare-image.ts'
import { startBenchDatabase } from '../platform/start-bench-database.ts'
import { findGrowth } from './find-growth.ts'
import { soak } from './soak.ts'

/** However long the run, so many samples. */
const SAMPLES = 120

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, 'at-once': { type: 'string', default: '8' } },
})
const seconds = Number(values.minutes) * 60
const atOnce = Number(values['at-once'])
if (!(seconds > 0 && Number.isInteger(atOnce) && atOnce > 0)) {
  process.stderr.write('--minutes takes a number above 0, --at-once a whole number above 0\n')
  process.exit(2)
}

const image = await prepareImage()
const database = await startBenchDatabase()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void database.stop().then(() => process.exit(130)))
let failed = false
try {
  const startedAt = performance.now()
  const { finished, failures, samples, report, checked } = await soak({
    image,
    seconds,
    atOnce,
    sampleSeconds: seconds / SAMPLES,
    onSample: (sample, done) => {
      const rounded = Object.entries(sample).map(([what, value]) => `${what} ${Math.round(value)}`)
      process.stderr.write(`${Math.round((performance.now() - startedAt) / 1_000)} s · ${done} sessions · ${rounded.join(' · ')}\n`)
    },
  })
  process.stdout.write(`${finished} sessions, ${failures.length} not as they should be\n`)
  for (const failure of failures.slice(0, 20)) process.stdout.write(`  ${failure}\n`)
  const growths = findGrowth(samples)
  for (const { what, early, late, grew } of growths) {
    process.stdout.write(`${what.padEnd(32)} ${early.toFixed(1).padStart(8)} → ${late.toFixed(1).padStart(8)}  ${grew ? 'GREW' : 'flat'}\n`)
  }
  process.stdout.write(checked)
  failed = failures.length > 0 || report.violations.length > 0 || growths.some(({ grew }) => grew)
} finally {
  await database.stop()
}
process.exit(failed ? 1 : 0)
