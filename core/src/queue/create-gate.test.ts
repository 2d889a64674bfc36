import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createGate } from './create-gate.ts'

describe('a gate', () => {
  it('lets in no more than its limit, in order, loses none, and is idle when all are out, those that failed too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.scheduler(),
        fc.array(fc.boolean(), { maxLength: 20 }),
        async (limit, scheduler, fails) => {
          const gate = createGate(limit)
          const began: number[] = []
          let running = 0
          let idle = false
          const jobs = fails.map((fail, index) =>
            gate.run(async () => {
              began.push(index)
              expect(++running).toBeLessThanOrEqual(limit)
              await scheduler.schedule(Promise.resolve())
              running--
              if (fail) throw new Error('wrong')
            }),
          )
          const settled = Promise.allSettled(jobs)
          void gate.idle().then(() => {
            idle = true
            expect(running).toBe(0)
          })
          await scheduler.waitFor(settled)
          await gate.idle()
          expect(idle).toBe(true)
          expect(began).toEqual(fails.map((_, index) => index))
        },
      ),
    )
  })
})
