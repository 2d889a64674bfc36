import { expect, test } from 'vitest'
import { benches } from './benches.ts'
import { toJson } from './print-figure.ts'

/** A few seconds each on a quiet machine; beside everything else that a test run does, more. */
const TIMEOUT_MS = 120_000

test.each(Object.entries(benches))('%s measures something on real parts', { timeout: TIMEOUT_MS }, async (name, bench) => {
  const image = process.env['SANDBOX_IMAGE']
  if (image === undefined) throw new Error('there is no sandbox image, because no Docker engine answers: `npm run setup` installs one')
  const figures = await bench({ smoke: true, image })
  expect(figures.length).toBeGreaterThan(0)
  for (const figure of figures) {
    expect(figure.measured, figure.what).toBeGreaterThan(0)
    if (figure.yardstick !== undefined) expect(figure.yardstick.value, figure.yardstick.what).toBeGreaterThan(0)
    expect(toJson(name, figure)['reached']).toEqual(figure.target === undefined ? null : expect.any(Boolean))
  }
})
