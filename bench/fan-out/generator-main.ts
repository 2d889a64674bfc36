/** Appends events through core at a steady pace, in a process of its own, and tells when each was committed. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openAnnouncer } from '@longhaul/core/src/log/open-announcer.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { openDatabase } from '@longhaul/prisma/src/client.ts'
import { appendOne } from '../platform/claimed-sessions.ts'
import { type Commit, type GeneratorTask, now } from './parts.ts'

process.once('disconnect', () => process.exit())
const [task] = (await once(process, 'message')) as [GeneratorTask]
const db = openDatabase({ url: task.databaseUrl })
const announcer = openAnnouncer({ databaseUrl: task.databaseUrl, redisUrl: null }, createLogger({ name: 'generator', level: 'error' }))
const commits: Commit[] = []

const append = async (at: number): Promise<void> => {
  const session = task.sessions[at]!
  const { seq } = await appendOne({ db }, session)
  commits.push([at, seq, now()])
  announcer.announceHead({ tenantId: session.tenantId, sessionId: session.sessionId, head: seq })
}

const startedAt = now()
const running: Promise<void>[] = []
for (let event = 0; event < task.count; event++) {
  const waitMs = startedAt + (event / task.perSecond) * 1_000 - now()
  if (waitMs > 0) await sleep(waitMs)
  running.push(append(event % task.sessions.length))
}
await Promise.all(running)
await announcer.flush()
await announcer.close()
await db.close()
process.send?.(commits, undefined, undefined, () => process.disconnect())
