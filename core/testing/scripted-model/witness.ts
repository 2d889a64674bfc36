/**
 * What the provider counted, for whoever checks the harness's books from outside.
 *
 * The witness file holds one JSON object a line, written before the answer's last bytes leave, so that `kill -9` of anyone loses none:
 *   {"v":1,"at":ISO time,"requestId":"req_…","session":metadata.user_id or null,"model":"claude-…","script":name or null,"step":number,
 *    "attempt":number,"finished":true|false,"usage":{TokenUsage},"costNanos":"123"}
 * `finished: true`: the whole answer was sent, and is billed exactly so. `finished: false`: the answer broke off (a fault, or the
 * client left) after `message_start`; the usage is what had been produced by then. Requests refused with a status have no line.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { costNanos, type TokenUsage } from '@longhaul/core/src/budgets/prices.ts'
import type { WireUsage } from './script.ts'

export type Charge = {
  v: 1
  at: string
  requestId: string
  session: string | null
  model: string
  script: string | null
  step: number
  attempt: number
  finished: boolean
  usage: TokenUsage
  /** Nano-dollars, decimal. */
  costNanos: string
}

export type Witness = { write(charge: Charge): void; stop(): void }

export function createWitness(file: string | undefined): Witness {
  if (file === undefined) return { write: () => {}, stop: () => {} }
  const descriptor = openSync(file, 'a')
  return { write: (charge) => writeSync(descriptor, `${JSON.stringify(charge)}\n`), stop: () => closeSync(descriptor) }
}

export function toCharge(about: Omit<Charge, 'v' | 'at' | 'usage' | 'costNanos'>, wire: WireUsage, at: Date): Charge {
  const usage = toTokenUsage(wire)
  return { v: 1, at: at.toISOString(), ...about, usage, costNanos: costNanos(about.model, usage, at).toString() }
}

function toTokenUsage(wire: WireUsage): TokenUsage {
  const sum = (count: (part: WireUsage) => number) => (wire.iterations ?? [wire]).reduce((total, part) => total + count(part), 0)
  return {
    inputTokens: sum((part) => part.input_tokens),
    outputTokens: sum((part) => part.output_tokens),
    cacheReadTokens: sum((part) => part.cache_read_input_tokens),
    cacheWrite5mTokens: sum((part) => part.cache_creation.ephemeral_5m_input_tokens),
    cacheWrite1hTokens: sum((part) => part.cache_creation.ephemeral_1h_input_tokens),
  }
}
