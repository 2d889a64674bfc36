import { benchAppendLatency } from './append-latency/append-latency.ts'
import { benchAppendThroughput } from './append-throughput/append-throughput.ts'
import { benchCheckpoint } from './checkpoint/checkpoint.ts'
import { benchConsole } from './console/console.ts'
import { benchFanOut } from './fan-out/fan-out.ts'
import type { Bench } from './figure.ts'
import { benchFork } from './fork/fork.ts'
import { benchManySessions } from './many-sessions/many-sessions.ts'
import { benchMessageToModel } from './message-to-model/message-to-model.ts'
import { benchMove } from './move/move.ts'
import { benchResume } from './resume/resume.ts'
import { benchSendMessage } from './send-message/send-message.ts'
import { benchSuspended } from './suspended/suspended.ts'
import { benchTakeOver } from './take-over/take-over.ts'
import { benchToolCall } from './tool-call/tool-call.ts'
import { benchTurnOverhead } from './turn-overhead/turn-overhead.ts'
import { benchWarmPool } from './warm-pool/warm-pool.ts'

/** By the names that `npm run bench -- NAME…` takes, in the order they run. */
export const benches: Record<string, Bench> = {
  'append-latency': benchAppendLatency,
  'append-throughput': benchAppendThroughput,
  'send-message': benchSendMessage,
  'message-to-model': benchMessageToModel,
  'turn-overhead': benchTurnOverhead,
  'fan-out': benchFanOut,
  'tool-call': benchToolCall,
  'warm-pool': benchWarmPool,
  'many-sessions': benchManySessions,
  'take-over': benchTakeOver,
  resume: benchResume,
  checkpoint: benchCheckpoint,
  fork: benchFork,
  suspended: benchSuspended,
  move: benchMove,
  console: benchConsole,
}
