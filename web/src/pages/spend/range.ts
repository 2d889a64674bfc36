// pages/spend owns money as people see it: what was spent on what, and the caps, changed where they stand. It must never compute what
// the API knows: sums of what the API has already added up are all the arithmetic here.
import type { BucketFragment, UsageGroup } from '../../generated/graphql.ts'

export const RANGES = [
  { value: 'today', label: 'Today' },
  { value: '7d', label: '7 days' },
  { value: '30d', label: '30 days' },
  { value: 'month', label: 'This month' },
  { value: '90d', label: '90 days' },
] as const

export type RangeName = (typeof RANGES)[number]['value']

/** `keys` are those of the buckets of each hour or day in it, with and without spend. Days are UTC, as the ledger's are. */
export type Range = { from: string; to: string; unit: Extract<UsageGroup, 'HOUR' | 'DAY'>; keys: string[] }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const toRange = (name: RangeName, now: number): Range => {
  const today = Math.floor(now / DAY_MS) * DAY_MS
  const to = today + DAY_MS
  const from = toStart(name, today)
  const unit = name === 'today' ? 'HOUR' : 'DAY'
  const step = unit === 'HOUR' ? HOUR_MS : DAY_MS
  const keys = Array.from({ length: (to - from) / step }, (_, index) => toKey(from + index * step, unit))
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), unit, keys }
}

const toStart = (name: RangeName, today: number): number => {
  if (name === 'today') return today
  if (name === 'month') return Date.UTC(new Date(today).getUTCFullYear(), new Date(today).getUTCMonth(), 1)
  return today - (Number.parseInt(name, 10) - 1) * DAY_MS
}

const toKey = (time: number, unit: Range['unit']): string => {
  const iso = new Date(time).toISOString()
  return unit === 'DAY' ? iso.slice(0, 10) : `${iso.slice(0, 13)}:00:00Z`
}

export type Bar = { key: string; label: string; costUsd: string }

/** One bar for each hour or day, also where nothing was spent. */
export const toBars = (range: Range, buckets: readonly BucketFragment[]): Bar[] => {
  const spent = new Map(buckets.map(({ key, costUsd }) => [key, costUsd]))
  return range.keys.map((key) => ({ key, label: toLabel(key, range.unit), costUsd: spent.get(key) ?? '0' }))
}

const toLabel = (key: string, unit: Range['unit']): string =>
  unit === 'HOUR' ? key.slice(11, 16) : new Date(key).toLocaleDateString([], { month: 'short', day: 'numeric', timeZone: 'UTC' })

/** The least of 1, 2 or 5 times a power of ten that is no less than `value`: where an axis ends. */
export const toAxisEnd = (value: number): number => {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((times) => times * power >= value) ?? 10) * power
}
