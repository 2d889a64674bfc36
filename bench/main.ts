/** `npm run bench -- [NAME…] [--smoke] [--json]`: measures, prints a line for each figure, exits 1 when a target was missed. */
import { parseArgs } from 'node:util'
import { benches } from './benches.ts'
import { isReached } from './figure.ts'
import { prepareImage } from './platform/prepare-image.ts'
import { startBenchDatabase } from './platform/start-bench-database.ts'
import { printFigure, toJson } from './print-figure.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { smoke: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const unknown = positionals.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}\n`)
  process.exit(1)
}

const image = await prepareImage()
const database = await startBenchDatabase()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void database.stop().then(() => process.exit(130)))
let missed = 0
try {
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    process.stderr.write(`${name} …\n`)
    for (const figure of await bench({ smoke: values.smoke, image })) {
      if (isReached(figure) === false) missed++
      process.stdout.write(`${values.json ? JSON.stringify(toJson(name, figure)) : printFigure(figure)}\n`)
    }
  }
} finally {
  await database.stop()
}
// What a smoke run measured says nothing.
process.exit(missed > 0 && !values.smoke ? 1 : 0)
