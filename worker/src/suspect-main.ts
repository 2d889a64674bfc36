/** The child in which suspects run, one at a time. Its parent sends the turns; with its parent gone it ends. */
import { readConfigOrExit } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { ActiveTurns } from './consumers/active-turns.ts'
import { advanceTurn } from './consumers/advance-turn.ts'
import { keepLease } from './consumers/keep-lease.ts'
import type { SuspectMessage } from './consumers/suspects.ts'
import { openParts } from './open-parts.ts'

const config = readConfigOrExit()
const logger = createLogger({ name: 'suspect', level: config.logLevel })
const parts = await openParts(config, logger)
const engineId = await parts.sandboxes.provider.engineId()
const active = new ActiveTurns()
const lease = await keepLease(
  { db: parts.db, active, logger },
  { kind: 'suspect', engineId, leaseMs: config.leaseMs, renewMs: config.leaseRenewMs },
)
await parts.announcer.listen({
  onControl: (sessionId) => {
    if (active.ofSession(sessionId).length > 0) void lease.renewNow()
  },
  onWatched: (sessionIds) => parts.watched.add(sessionIds),
})

const say = (message: SuspectMessage): void => {
  process.send?.(message)
}
let running: Promise<void> = Promise.resolve()
process.on('message', (message: SuspectMessage) => {
  if (!('run' in message)) return
  const { run } = message
  running = advanceTurn({ parts, active, workerId: lease.workerId, engineId, kind: 'suspect', onSuspect: () => {} }, run)
    .catch((error: unknown) => logger.error({ err: error, turnId: run.turnId }, 'a suspect turn could not be advanced'))
    .then(() => say({ done: run.turnId }))
})
const stop = async (): Promise<void> => {
  await running
  await lease.stop()
  await parts.close()
  process.exit(0)
}
process.on('disconnect', () => void stop())
process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => {})
say({ ready: true })
