import { setTimeout as sleep } from 'node:timers/promises'
import type { TurnParts } from '../turn/stretch.ts'
import { ActiveTurns } from './active-turns.ts'
import { advanceTurn } from './advance-turn.ts'
import { handOver } from './hand-over.ts'
import { keepLease } from './keep-lease.ts'
import { ALIVE_MS, type SuspectKind, type SuspectMessage } from './suspect-process.ts'

/** After a hand-over its aborted turn may say its last words for so long. */
export const LAST_WORDS_MS = 5_000

/**
 * The child in which suspects run: advances the turns that its parent sends, under a lease of its own. Told to stop, or
 * with its parent gone, it lets the turn at hand go on for `drainMs`, hands it over, and ends the process.
 */
export const serveSuspects = async (
  parts: TurnParts & { close(): Promise<void> },
  options: { kind: SuspectKind; leaseMs: number; renewMs: number; drainMs: number },
): Promise<void> => {
  const { db, announcer, queue, logger, sandboxes } = parts
  const engineId = await sandboxes.provider.engineId()
  const active = new ActiveTurns()
  const lease = await keepLease(
    { db, active, queue, logger },
    { kind: options.kind, engineId, leaseMs: options.leaseMs, renewMs: options.renewMs },
  )
  await announcer.listen({
    onControl: (sessionId) => {
      if (active.ofSession(sessionId).length > 0) void lease.renewNow()
    },
    onWatched: (sessionIds) => parts.watched.add(sessionIds),
    onGap: () => void lease.renewNow(),
  })

  const say = (message: SuspectMessage): void => {
    if (process.connected) process.send?.(message)
  }
  setInterval(() => say({ alive: true }), ALIVE_MS).unref()
  const running = new Set<Promise<void>>()
  const allEnded = async (): Promise<void> => {
    await Promise.all(running)
  }
  process.on('message', (message: SuspectMessage) => {
    if (!('run' in message) || stopping) return
    const { run } = message
    // One that must be alone since it was sent here is woken again, and goes where it belongs.
    const advancing = { parts, active, workerId: lease.workerId, engineId, kind: options.kind, onSuspect: () => {} }
    const advanced = advanceTurn(advancing, run)
      .catch((error: unknown) => logger.error({ err: error, turnId: run.turnId }, 'a suspect turn could not be advanced'))
      .then(() => {
        running.delete(advanced)
        say({ done: run.turnId })
      })
    running.add(advanced)
  })
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    await Promise.race([allEnded(), sleep(options.drainMs, undefined, { ref: false })])
    await handOver(parts, active)
    await Promise.race([allEnded(), sleep(LAST_WORDS_MS, undefined, { ref: false })])
    await lease.stop()
    await queue.flush()
    await parts.close()
    process.exit(0)
  }
  process.on('disconnect', () => void stop())
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => {}) // of the whole terminal: the parent says when
  say({ ready: true })
}
