import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type AgedCheckpoint, chooseThinned } from './choose-thinned.ts'

const HOUR = 3_600_000
const NOW = new Date('2026-11-29T12:30:00Z')

const checkpoints = fc
  .array(fc.record({ ageMs: fc.integer({ min: 0, max: 20 * 24 * HOUR }), isAsked: fc.boolean(), isStored: fc.boolean() }), {
    maxLength: 60,
  })
  .map((drawn) =>
    drawn.map(({ ageMs, ...rest }, at): AgedCheckpoint => ({ id: `ckp_${at}`, createdAt: new Date(NOW.getTime() - ageMs), ...rest })),
  )
const without = (all: readonly AgedCheckpoint[], ids: readonly string[]) => all.filter(({ id }) => !ids.includes(id))
const newest = (all: readonly AgedCheckpoint[]) => Math.max(...all.map(({ createdAt }) => createdAt.getTime()))

it('what was asked for, what is an hour old, the newest and the newest stored one stay', () => {
  fc.assert(
    fc.property(checkpoints, (all) => {
      const left = without(all, chooseThinned(all, NOW))
      for (const checkpoint of all)
        if (checkpoint.isAsked || NOW.getTime() - checkpoint.createdAt.getTime() <= HOUR) expect(left).toContain(checkpoint)
      expect(newest(left)).toBe(newest(all))
      expect(newest(left.filter(({ isStored }) => isStored))).toBe(newest(all.filter(({ isStored }) => isStored)))
    }),
  )
})

it('of each hour of the last day, and of each day before, one stays: a stored one where there is one, and no more than that', () => {
  fc.assert(
    fc.property(checkpoints, (all) => {
      const left = without(all, chooseThinned(all, NOW))
      const periodOf = ({ createdAt }: AgedCheckpoint) => {
        const ageMs = NOW.getTime() - createdAt.getTime()
        return ageMs <= HOUR ? null : Math.floor(createdAt.getTime() / (ageMs <= 24 * HOUR ? HOUR : 24 * HOUR))
      }
      for (const [period, group] of Map.groupBy(all, periodOf)) {
        if (period === null) continue
        const rest = left.filter((checkpoint) => periodOf(checkpoint) === period)
        expect(rest.length).toBeGreaterThan(0)
        expect(rest.some(({ isStored }) => isStored)).toBe(group.some(({ isStored }) => isStored))
        expect(rest.filter(({ isAsked }) => !isAsked).length).toBeLessThanOrEqual(3)
      }
    }),
  )
})

it('thinned again and again as time goes on, there is left what thinning once at the end leaves', () => {
  fc.assert(
    fc.property(checkpoints, fc.array(fc.integer({ min: 0, max: 72 }), { maxLength: 5 }), (all, hours) => {
      let left = all
      let now = NOW.getTime()
      for (const passed of hours) {
        left = without(left, chooseThinned(left, new Date(now)))
        expect(chooseThinned(left, new Date(now))).toEqual([])
        now += passed * HOUR
      }
      const late = new Date(now)
      const kept = without(left, chooseThinned(left, late)).map(({ id }) => id)
      const once = without(all, chooseThinned(all, late)).map(({ id }) => id)
      for (const id of kept) expect(once).toContain(id)
    }),
  )
})
