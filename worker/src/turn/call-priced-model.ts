/**
 * A model call that never begins before its worst case is held, and whose cost is settled once, whatever becomes of it (invariant 6).
 * Used for every kind of call: work, judge.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { costNanos, findModel, NO_USAGE, worstCaseNanos } from '@longhaul/core/src/budgets/prices.ts'
import { type ReserveResult, reserveCall, settleCall } from '@longhaul/core/src/budgets/reserve-call.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import type { Settlement } from '@longhaul/core/src/log/append-events.ts'
import { countSpend } from '../metrics/count-turns.ts'
import type { Billing, ModelDelta, ModelOutcome, ModelRequest } from '../models/model.ts'
import { ClaimLostError, type Stretch } from './stretch.ts'

/** For ten minutes: a database that is away for longer is no passing fault. */
const SETTLE_RETRY_MS = 500
const SETTLE_TRIES = 1_200

export type BudgetBlock = Extract<ReserveResult, { granted: false }>

export type PricedCall = {
  kind: 'work' | 'judge'
  request: Omit<ModelRequest, 'maxTokens'>
  inputBoundTokens: number
  onDelta?: (delta: ModelDelta) => void
  signal: AbortSignal
}

/** `settlement` is what the call cost, not yet settled: the caller appends it with what the call brought, or settles it alone. */
export type PricedOutcome =
  | { blocked: BudgetBlock }
  | { blocked?: undefined; outcome: ModelOutcome; settlement: Settlement; costNanos: bigint | null }

export const callPricedModel = async (stretch: Stretch, call: PricedCall): Promise<PricedOutcome> => {
  const { parts, claim } = stretch
  const at = new Date()
  await parts.atPoint('before_reservation')
  const reservationId = createId('rsv')
  const reserved = await reserveCall(parts.db, {
    id: reservationId,
    tenantId: claim.tenantId,
    sessionId: claim.session.id,
    threadId: claim.thread.id,
    epoch: claim.epoch,
    turnId: claim.turn.id,
    agentId: claim.session.agentId,
    workerId: claim.workerId,
    kind: call.kind,
    model: call.request.model,
    ...priceBound(call, parts.limits, at),
    events: [...stretch.held.events],
  }).catch(async (error: unknown) => {
    // It may be held all the same, and nothing was asked of the provider.
    await settleAlone(stretch, { reservationId, costNanos: 0n, usage: NO_USAGE, basis: 'exact' })
    throw error
  })
  if ('refused' in reserved) throw new ClaimLostError(reserved.refused)
  if (reserved.appended !== undefined) stretch.wroteHeld(reserved.appended)
  if (!reserved.granted) return { blocked: reserved }
  await parts.atPoint('after_reservation')

  await parts.atPoint('before_request')
  let streaming = false
  const outcome = await parts.model.call(
    { ...call.request, maxTokens: reserved.reservation.maxTokens, sessionId: claim.session.id },
    {
      signal: call.signal,
      onDelta: (delta) => {
        if (!streaming) void parts.atPoint('mid_stream')
        streaming = true
        call.onDelta?.(delta)
      },
    },
  )
  await parts.atPoint('after_stream')
  const settlement = {
    ...toSettlement(reserved.reservation.id, outcome.billing, { model: call.request.model, at }),
    requestId: outcome.requestId,
  }
  const charged = settlement.basis === 'presumed' ? reserved.reservation.amountNanos : settlement.costNanos
  countSpend({ kind: call.kind, model: call.request.model, costNanos: charged, basis: settlement.basis })
  return { outcome, settlement, costNanos: charged }
}

/**
 * Settles a call whose outcome goes into no event, or whose claim was lost meanwhile: needs no claim, and never fails. While the database
 * is away it is tried again beside whatever comes next; what is not settled by then, or with this process gone, the sweep presumes.
 */
export const settleAlone = async (stretch: Stretch, settlement: Settlement): Promise<void> => {
  try {
    await settle(stretch, settlement)
  } catch (error) {
    stretch.parts.logger.warn({ err: error, reservationId: settlement.reservationId }, 'a call could not be settled yet')
    void settleLater(stretch, settlement)
  }
}

const settle = async (stretch: Stretch, settlement: Settlement): Promise<void> => {
  const { wakes } = await settleCall(stretch.parts.db, stretch.claim.tenantId, settlement)
  stretch.send(wakes)
}

const settleLater = async (stretch: Stretch, settlement: Settlement): Promise<void> => {
  for (let tries = 1; tries <= SETTLE_TRIES; tries++) {
    await sleep(SETTLE_RETRY_MS, undefined, { ref: false })
    if (stretch.parts.db.app.ending) return
    try {
      await settle(stretch, settlement)
      return
    } catch (error) {
      stretch.parts.logger.debug({ err: error, reservationId: settlement.reservationId }, 'a call could still not be settled')
    }
  }
  stretch.parts.logger.error({ reservationId: settlement.reservationId }, 'a call was not settled: it will be presumed')
}

/** A model without a price costs nothing here, and is called under no budget: one may have been set since the session was made. */
const priceBound = (call: PricedCall, limits: { maxOutputTokens: number; minOutputTokens: number }, at: Date) => {
  const priced = findModel(call.request.model, at)
  const maxTokens = Math.min(limits.maxOutputTokens, priced?.maxOutputTokens ?? limits.maxOutputTokens)
  const minTokens = Math.min(limits.minOutputTokens, maxTokens)
  if (priced === null) return { fixedNanos: 0n, perTokenNanos: 0n, maxTokens, minTokens, unpriced: true }
  const worst = (maxOutputTokens: number) =>
    worstCaseNanos(call.request.model, { inputBoundTokens: call.inputBoundTokens, maxOutputTokens }, at)
  return { fixedNanos: worst(0), perTokenNanos: worst(1) - worst(0), maxTokens, minTokens }
}

const toSettlement = (reservationId: string, billing: Billing, { model, at }: { model: string; at: Date }): Settlement => {
  if (billing.kind === 'unknown') return { reservationId, costNanos: 0n, usage: null, basis: 'presumed' }
  if (billing.kind === 'none') return { reservationId, costNanos: 0n, usage: NO_USAGE, basis: 'exact' }
  const cost = findModel(model, at) === null ? 0n : costNanos(model, billing.usage, at)
  return { reservationId, costNanos: cost, usage: billing.usage, basis: billing.kind }
}
