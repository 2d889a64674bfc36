import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type AgedCheckpoint, chooseThinned, type Retention } from './choose-thinned.ts'

const HOUR = 3_600_000
const NOW = new Date('2026-11-29T12:30:00Z')

const retentions: fc.Arbitrary<Retention> = fc.record({
  allForHours: fc.integer({ min: 1, max: 72 }),
  hourlyForDays: fc.integer({ min: 0, max: 5 }),
  dailyForDays: fc.option(fc.integer({ min: 0, max: 12 })),
})

const checkpoints = fc
  .array(fc.record({ ageMs: fc.integer({ min: 0, max: 20 * 24 * HOUR }), isAsked: fc.boolean(), isStored: fc.boolean() }), {
    maxLength: 60,
  })
  .map((drawn) =>
    drawn.map(({ ageMs, ...rest }, at): AgedCheckpoint => ({ id: `ckp_${at}`, createdAt: new Date(NOW.getTime() - ageMs), ...rest })),
  )
const without = (all: readonly AgedCheckpoint[], ids: readonly string[]) => all.filter(({ id }) => !ids.includes(id))
const newest = (all: readonly AgedCheckpoint[]) => Math.max(...all.map(({ createdAt }) => createdAt.getTime()))

it('what was asked for, what is young, the newest and the newest stored one stay', () => {
  fc.assert(
    fc.property(checkpoints, retentions, (all, retention) => {
      const left = without(all, chooseThinned(all, NOW, retention))
      for (const checkpoint of all)
        if (checkpoint.isAsked || NOW.getTime() - checkpoint.createdAt.getTime() <= retention.allForHours * HOUR)
          expect(left).toContain(checkpoint)
      expect(newest(left)).toBe(newest(all))
      expect(newest(left.filter(({ isStored }) => isStored))).toBe(newest(all.filter(({ isStored }) => isStored)))
    }),
  )
})

it('of each hour, later of each day, one stays: a stored one where there is one, and no more than that; past the last day none', () => {
  fc.assert(
    fc.property(checkpoints, retentions, (all, retention) => {
      const { allForHours, hourlyForDays, dailyForDays } = retention
      const left = without(all, chooseThinned(all, NOW, retention))
      const periodOf = ({ createdAt }: AgedCheckpoint) => {
        const ageMs = NOW.getTime() - createdAt.getTime()
        if (ageMs <= allForHours * HOUR) return null
        if (ageMs <= hourlyForDays * 24 * HOUR) return Math.floor(createdAt.getTime() / HOUR)
        return dailyForDays === null || ageMs <= dailyForDays * 24 * HOUR ? `day ${Math.floor(createdAt.getTime() / (24 * HOUR))}` : 'past'
      }
      for (const [period, group] of Map.groupBy(all, periodOf)) {
        if (period === null) continue
        const rest = left.filter((checkpoint) => periodOf(checkpoint) === period)
        if (period !== 'past') {
          expect(rest.length).toBeGreaterThan(0)
          expect(rest.some(({ isStored }) => isStored)).toBe(group.some(({ isStored }) => isStored))
        }
        expect(rest.filter(({ isAsked }) => !isAsked).length).toBeLessThanOrEqual(period === 'past' ? 2 : 3)
      }
    }),
  )
})

it('thinned again and again as time goes on, there is left what thinning once at the end leaves', () => {
  fc.assert(
    fc.property(checkpoints, retentions, fc.array(fc.integer({ min: 0, max: 72 }), { maxLength: 5 }), (all, retention, hours) => {
      let left = all
      let now = NOW.getTime()
      for (const passed of hours) {
        left = without(left, chooseThinned(left, new Date(now), retention))
        expect(chooseThinned(left, new Date(now), retention)).toEqual([])
        now += passed * HOUR
      }
      const late = new Date(now)
      const kept = without(left, chooseThinned(left, late, retention)).map(({ id }) => id)
      const once = without(all, chooseThinned(all, late, retention)).map(({ id }) => id)
      for (const id of kept) expect(once).toContain(id)
    }),
  )
})
