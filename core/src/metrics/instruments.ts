/**
 * Owns what the processes count about themselves: every instrument by its name, and the port they are read at. Must never carry a
 * tenant's id, name or words in a label, and must never fail or slow down what it counts. The figures of one process begin at zero
 * with it; what must be exact is in the database.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Ours alone: the library's own registry is every library's. */
export const registry = new Registry()
const registers = [registry]

/** From a fenced append of 0.3 ms to one that waits for a lock or a disk. */
const DATABASE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

// Of a worker.

export const appendSeconds = new Histogram({
  name: 'longhaul_append_seconds',
  help: "A turn's appends to its log, from asking to the commit.",
  buckets: DATABASE_SECONDS,
  registers,
})

export const turnsStarted = new Counter({
  name: 'longhaul_turns_started_total',
  help: 'Claims this worker won: a turn that waits in the middle is claimed again.',
  labelNames: ['kind'] as const,
  registers,
})

export const turnsSettled = new Counter({
  name: 'longhaul_turns_settled_total',
  help: 'Turns this worker brought to their end.',
  labelNames: ['outcome'] as const,
  registers,
})

export const claimsLost = new Counter({
  name: 'longhaul_claims_lost_total',
  help: 'Turns this worker had to let go of because the claim was no longer its own.',
  registers,
})

export const turnErrors = new Counter({
  name: 'longhaul_turn_errors_total',
  help: 'Turns that failed through no fault of their session; each is tried again.',
  registers,
})

export const spendDollars = new Counter({
  name: 'longhaul_spend_dollars_total',
  help: 'Cost of the model calls this worker made, in US dollars. basis: exact, estimated, or presumed at what was reserved.',
  labelNames: ['kind', 'model', 'basis'] as const,
  registers,
})

// Of an api.

export const httpRequestSeconds = new Histogram({
  name: 'longhaul_http_request_seconds',
  help: 'Requests over HTTP. GraphQL answers 200 whatever its fields say.',
  labelNames: ['method', 'route', 'status'] as const,
  buckets: REQUEST_SECONDS,
  registers,
})

export const openSubscriptions = new Gauge({
  name: 'longhaul_subscriptions_open',
  help: 'GraphQL subscriptions open at this api.',
  registers,
})
