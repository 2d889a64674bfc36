/**
 * Owns what a worker counts of its turns, its money and its sandboxes; the instruments are core's. Must never decide anything, nor
 * name a session or tenant.
 */
import { findModel } from '@longhaul/core/src/budgets/prices.ts'
import { type Append, type AppendResult, appendEvents, type Settlement } from '@longhaul/core/src/log/append-events.ts'
import { appendSeconds, spendDollars, turnsSettled } from '@longhaul/core/src/metrics/instruments.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'

const NANOS_PER_DOLLAR = 1e9

/** appendEvents, timed; an append that ended its turn is counted. */
export const appendCounted = async (db: Pick<Database, 'app'>, append: Append): Promise<AppendResult> => {
  const end = appendSeconds.startTimer()
  const result = await appendEvents(db, append).finally(end)
  if (result.refused === undefined && append.turn?.op === 'settle') turnsSettled.inc({ outcome: append.turn.outcome })
  return result
}

/** What a call cost, as it will be settled. A name without a price is the tenant's own word, and labels are not for those. */
export const countSpend = (call: { kind: string; model: string; costNanos: bigint; basis: Settlement['basis'] }): void => {
  const model = findModel(call.model, new Date()) === null ? 'unpriced' : call.model
  spendDollars.inc({ kind: call.kind, model, basis: call.basis }, Number(call.costNanos) / NANOS_PER_DOLLAR)
}
