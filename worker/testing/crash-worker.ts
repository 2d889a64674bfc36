/**
 * The worker's main, with two differences: it kills itself at a named point, and has a tool that kills whoever runs it. CRASH_AT is
 * `point` or `point:n` (the n-th time), CRASH_MARK a file that must not exist yet and is made then, so that of several processes, and
 * of restarts, one dies once. At SIGUSR2 its event loop stands still for BLOCK_MS, and its clock jumps by CLOCK_JUMP_MS.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { readConfigOrExit } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { openParts } from '../src/open-parts.ts'
import { startWorker } from '../src/start-worker.ts'
import type { CrashPoint } from '../src/turn/stretch.ts'
import { withPoison } from './poison-tool.ts'

const [point, nth] = (process.env['CRASH_AT'] ?? '').split(':')
const mark = process.env['CRASH_MARK']
let seen = 0

const atPoint = (here: CrashPoint): void => {
  if (here !== point || ++seen !== Number(nth ?? 1)) return
  if (mark !== undefined) {
    try {
      writeFileSync(mark, String(process.pid), { flag: 'wx' })
    } catch {
      return // another has died here already
    }
  }
  process.kill(process.pid, 'SIGKILL')
}

const config = readConfigOrExit()
const logger = createLogger({ name: 'worker', level: config.logLevel })
const parts = await openParts(config, logger, atPoint)
const worker = await startWorker(
  { ...parts, tools: withPoison(parts.tools) },
  {
    concurrency: config.workerConcurrency,
    leaseMs: config.leaseMs,
    renewMs: config.leaseRenewMs,
    sweepMs: config.sweepMs,
    moveAfterMs: config.moveAfterMs,
    reapMs: 2_000,
    houseMs: 60_000,
    suspendMs: config.sandboxSuspendMs,
    setUp: { timeoutMs: config.setupTimeoutMs, maxMb: config.setupMaxMb },
    drainMs: config.drainMs,
    suspectEntry: path.join(import.meta.dirname, 'crash-suspect.ts'),
  },
)
process.on('SIGUSR2', () => {
  const jumpMs = Number(process.env['CLOCK_JUMP_MS'] ?? 0)
  const now = Date.now
  Date.now = () => now() + jumpMs
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(process.env['BLOCK_MS'] ?? 0))
  process.send?.('signalled')
})
process.send?.('ready')
process.on('SIGTERM', () => {
  void worker
    .stop()
    .then(() => parts.close())
    .then(() => process.exit(0))
})
