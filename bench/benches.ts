import { benchAppendLatency } from './append-latency/append-latency.ts'
import { benchAppendThroughput } from './append-throughput/append-throughput.ts'
import type { Bench } from './figure.ts'

/** By the names that `npm run bench -- NAME…` takes, in the order they run. */
export const benches: Record<string, Bench> = {
  'append-latency': benchAppendLatency,
  'append-throughput': benchAppendThroughput,
}
