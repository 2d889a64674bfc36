// pages/tenants owns the operator's view: who is on this platform, how much each may do at once and spend, and who is suspended. It must
// never show what a tenant's agents do; that stands on the pages of its sessions.

import { toNumber } from '../../components/format.ts'
import type { CapFragment } from '../../generated/graphql.ts'

/** The calendar month in UTC, as caps count it. */
export const toMonth = (now: number): { from: string; to: string } => {
  const [year, month] = [new Date(now).getUTCFullYear(), new Date(now).getUTCMonth()]
  return { from: new Date(Date.UTC(year, month, 1)).toISOString(), to: new Date(Date.UTC(year, month + 1, 1)).toISOString() }
}

/** Of the monthly caps, whoever set them, the one that is met first. */
export const toMonthlyCap = <C extends Pick<CapFragment, 'period' | 'limitUsd'>>(caps: readonly C[]): C | null =>
  caps.filter(({ period }) => period === 'MONTH').toSorted((one, other) => toNumber(one.limitUsd) - toNumber(other.limitUsd))[0] ?? null
