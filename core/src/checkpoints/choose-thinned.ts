/** A checkpoint that has files. `isAsked`: somebody wanted it. `isStored`: any engine can be given its workspace. */
export type AgedCheckpoint = { id: string; createdAt: Date; isAsked: boolean; isStored: boolean }

/** A tenant's: all stay up to the first age, then one an hour up to the second, then one a day up to the third, or for good (null). */
export type Retention = { allForHours: number; hourlyForDays: number; dailyForDays: number | null }

const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS

/**
 * Which of a session's checkpoints let go of their files. What somebody asked for stays, and so do the newest and the newest that is
 * stored. Of an hour or a day it is the newest stored one that stays. Pure. Hours and days are UTC's, so that what was chosen once stays
 * chosen.
 */
export const chooseThinned = (checkpoints: readonly AgedCheckpoint[], now: Date, retention: Retention): string[] => {
  const newestFirst = checkpoints.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1))
  const kept = new Set<string | undefined>([newestFirst[0]?.id, newestFirst.find(({ isStored }) => isStored)?.id])
  const chosen = new Map<string, AgedCheckpoint>()
  for (const checkpoint of newestFirst) {
    const period = periodOf(checkpoint.createdAt, now, retention)
    if (checkpoint.isAsked || period === 'young') kept.add(checkpoint.id)
    if (period === 'young' || period === 'past') continue
    const before = chosen.get(period)
    if (before === undefined || (!before.isStored && checkpoint.isStored)) chosen.set(period, checkpoint)
  }
  for (const { id } of chosen.values()) kept.add(id)
  return newestFirst.flatMap(({ id }) => (kept.has(id) ? [] : [id]))
}

/** `young`: it need not share one. `past`: there is none for it any more. */
const periodOf = (createdAt: Date, now: Date, { allForHours, hourlyForDays, dailyForDays }: Retention): string => {
  const ageMs = now.getTime() - createdAt.getTime()
  if (ageMs <= allForHours * HOUR_MS) return 'young'
  if (ageMs <= hourlyForDays * DAY_MS) return `hour ${Math.floor(createdAt.getTime() / HOUR_MS)}`
  return dailyForDays === null || ageMs <= dailyForDays * DAY_MS ? `day ${Math.floor(createdAt.getTime() / DAY_MS)}` : 'past'
}
