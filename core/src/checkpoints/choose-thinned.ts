/** A checkpoint that has files. `isAsked`: somebody wanted it. `isStored`: any engine can be given its workspace. */
export type AgedCheckpoint = { id: string; createdAt: Date; isAsked: boolean; isStored: boolean }

const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS

/**
 * Which of a session's checkpoints let go of their files: all of the last hour stay, then one an hour for a day, then one a day. What
 * somebody asked for stays, and so do the newest and the newest that is stored. Of an hour or a day it is the newest stored one that
 * stays. Pure. Hours and days are UTC's, so that what was chosen once stays chosen.
 */
export const chooseThinned = (checkpoints: readonly AgedCheckpoint[], now: Date): string[] => {
  const newestFirst = checkpoints.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1))
  const kept = new Set<string | undefined>([newestFirst[0]?.id, newestFirst.find(({ isStored }) => isStored)?.id])
  const chosen = new Map<string, AgedCheckpoint>()
  for (const checkpoint of newestFirst) {
    const period = periodOf(checkpoint.createdAt, now)
    if (checkpoint.isAsked || period === null) kept.add(checkpoint.id)
    if (period === null) continue
    const before = chosen.get(period)
    if (before === undefined || (!before.isStored && checkpoint.isStored)) chosen.set(period, checkpoint)
  }
  for (const { id } of chosen.values()) kept.add(id)
  return newestFirst.flatMap(({ id }) => (kept.has(id) ? [] : [id]))
}

/** Null: too young to have to share one. */
const periodOf = (createdAt: Date, now: Date): string | null => {
  const ageMs = now.getTime() - createdAt.getTime()
  if (ageMs <= HOUR_MS) return null
  return ageMs <= DAY_MS ? `hour ${Math.floor(createdAt.getTime() / HOUR_MS)}` : `day ${Math.floor(createdAt.getTime() / DAY_MS)}`
}
