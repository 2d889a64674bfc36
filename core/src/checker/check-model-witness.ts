import { readAsTenants } from './read-as-tenants.ts'
import { type ModelLine, readModelWitness } from './read-witness.ts'
import type { Scope, Violation } from './report.ts'

export type Booked = {
  reservationId: string
  sessionId: string
  requestId: string | null
  basis: 'exact' | 'estimated' | 'presumed' | 'held'
  costNanos: bigint
  /** Somebody interrupted, canceled or deleted the session: a call of it may have been hung up on, and counts as estimated. */
  cutShort: boolean
}

/** R5 against what the provider counted: a finished answer is charged once and exactly; nothing counts for less than it cost. */
export const checkModelWitness = async (
  scope: Omit<Scope, 'tenantId'>,
  { files, tenantIds }: { files: readonly string[]; tenantIds: readonly string[] },
): Promise<void> => {
  if (files.length === 0) {
    scope.unchecked.push({
      rule: 'R5',
      why: "no model's witness was given: charges were checked against themselves, not against what the provider counted",
      whole: false,
    })
    return
  }
  const booked = await readAsTenants<Omit<Booked, 'costNanos'> & { costNanos: string }>(
    scope.client,
    tenantIds,
    `select r.id as "reservationId", r.session_id as "sessionId", c.request_id as "requestId", coalesce(c.basis, 'held') as basis, coalesce(c.cost_nanos, r.amount_nanos)::text as "costNanos",
       s.status = 'CANCELED' or s.deleted_at is not null
         or exists (select from event e where e.session_id = s.id and e.type = 'user.interrupt') as "cutShort"
     from reservation r join session s on s.id = r.session_id left join charge c on c.reservation_id = r.id`,
  )
  scope.violations.push(
    ...compareBooks(
      await readModelWitness(files),
      booked.map((row) => ({ ...row, costNanos: BigInt(row.costNanos) })),
    ),
  )
}

/**
 * Pure. Each answer the provider began takes one entry of the books for itself: the charge that names its request, else one of its
 * session that covers it (a call whose outcome is unknown to us names no request). A finished answer's named charge must be exact;
 * only where somebody cut the session short may we have hung up before its last bytes reached us, and have estimated it.
 */
export const compareBooks = (lines: readonly ModelLine[], booked: readonly Booked[]): Violation[] => {
  const violations: Violation[] = []
  const free = new Set(booked)
  const named = new Map(booked.flatMap((entry) => (entry.requestId === null ? [] : [[entry.requestId, entry] as const])))
  const unnamed: ModelLine[] = []
  for (const line of lines) {
    const entry = named.get(line.requestId)
    if (entry === undefined) {
      unnamed.push(line)
      continue
    }
    if (!free.delete(entry))
      violations.push({ rule: 'R5', at: entry.reservationId, what: `request ${line.requestId} was counted twice by the provider` })
    const exact = entry.basis === 'exact' && entry.costNanos === line.costNanos
    const covered = entry.basis !== 'exact' && entry.costNanos >= line.costNanos
    const mayBeCovered = !line.finished || entry.basis === 'presumed' || (entry.basis === 'estimated' && entry.cutShort)
    if (!exact && !(mayBeCovered && covered)) {
      violations.push({
        rule: 'R5',
        at: entry.reservationId,
        what: `request ${line.requestId} cost ${line.costNanos}, charged ${entry.costNanos} (${entry.basis})`,
      })
    }
  }
  // Dearest first, each to the smallest that covers it: if any assignment covers all, this one does.
  for (const line of unnamed.toSorted((a, b) => Number(b.costNanos - a.costNanos))) {
    const candidates = [...free].filter(
      (entry) =>
        entry.requestId === null && entry.sessionId === line.session && entry.basis !== 'exact' && entry.costNanos >= line.costNanos,
    )
    const [best] = candidates.toSorted((a, b) => Number(a.costNanos - b.costNanos))
    if (best === undefined)
      violations.push({
        rule: 'R5',
        at: line.session ?? 'no session',
        what: `request ${line.requestId} cost ${line.costNanos}, and nothing was charged or held for it`,
      })
    else free.delete(best)
  }
  for (const entry of free) {
    if (entry.basis === 'exact' && entry.costNanos > 0n) {
      violations.push({
        rule: 'R5',
        at: entry.reservationId,
        what: `${entry.costNanos} were charged for a call that the provider never counted`,
      })
    }
  }
  return violations
}
