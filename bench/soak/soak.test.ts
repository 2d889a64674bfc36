import { expect, test } from 'vitest'
import { journeys } from './journeys.ts'
import { soak } from './soak.ts'

test('a short soak takes every journey to its end, samples, and finds all rules kept', { timeout: 180_000 }, async () => {
  const image = process.env['SANDBOX_IMAGE']
  if (image === undefined) throw new Error('there is no sandbox image, because no Docker engine answers: `npm run setup` installs one')
  const atOnce = Object.keys(journeys).length
  const { finished, failures, samples, report } = await soak({ image, seconds: 5, atOnce, sampleSeconds: 1, onSample: () => {} })
  expect(failures.join('\n')).toBe('')
  expect(finished).toBeGreaterThanOrEqual(atOnce)
  expect(samples.length).toBeGreaterThan(0)
  for (const value of Object.values(samples[0]!)) expect(value).toEqual(expect.any(Number))
  expect(report.violations).toEqual([])
})
