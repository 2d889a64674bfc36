import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import { appendOne, type ClaimedSession } from '../platform/claimed-sessions.ts'
import type { Commit, GeneratorTask, Received, SubscribersTask } from './parts.ts'

/** The first `warmUp` of `count` events are counted, not timed: the generator is a process that has just begun, and runs behind at first. */
export type Scenario = { sessions: ClaimedSession[]; subscribers: number; perSecond: number; count: number; warmUp: number }
export type Delivered = {
  /** From an event's commit to a subscriber's having it, milliseconds; of those after the warm-up. */
  delays: number[]
  /** Of all deliveries that were due, those that came once and in order. */
  inOrder: number
}

/** Subscribers go live, the generator appends, and each event's way to each subscriber is timed. */
export const runScenario = async (
  { test, url, key }: { test: TestDatabase; url: string; key: string },
  { sessions, subscribers, perSecond, count, warmUp }: Scenario,
): Promise<Delivered> => {
  const heads = await Promise.all(sessions.map((session) => appendOne(test, session)))
  const perSession = count / sessions.length
  const watched = sessions.map(({ sessionId }, at) => ({ sessionId, head: heads[at]!.seq }))
  const readers = startPart('subscribers-main.ts', { url, key, sessions: watched, subscribers, perSession } satisfies SubscribersTask)
  await nextMessage(readers)
  const received = nextMessage(readers) as Promise<Received>
  const writer = startPart('generator-main.ts', { databaseUrl: test.url, sessions, perSecond, count } satisfies GeneratorTask)
  const commits = (await nextMessage(writer)) as Commit[]
  return toDelivered(commits, await received, { sessions: sessions.length, heads: heads.map(({ seq }) => seq), warmUp })
}

const toDelivered = (
  commits: Commit[],
  received: Received,
  { sessions, heads, warmUp }: { sessions: number; heads: number[]; warmUp: number },
): Delivered => {
  const committedAt = heads.map((): number[] => [])
  for (const [session, seq, at] of commits) committedAt[session]![seq - heads[session]! - 1] = at
  const skipped = Math.ceil(warmUp / sessions)
  const toDelays = ({ at }: Received[number], subscriber: number) =>
    Array.from(at.subarray(skipped), (one, event) => one - committedAt[subscriber % sessions]![event + skipped]!)
  const due = received.reduce((sum, { at }) => sum + at.length, 0)
  const disorder = received.reduce((sum, one) => sum + one.disorder, 0)
  return { delays: received.flatMap(toDelays), inOrder: (due - disorder) / due }
}

const startPart = (script: string, task: GeneratorTask | SubscribersTask): ChildProcess => {
  const child = fork(path.join(import.meta.dirname, script), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' })
  child.send(task)
  return child
}

/** Rejects when the part ends without having said any more. */
const nextMessage = async (child: ChildProcess): Promise<unknown> => {
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${child.spawnargs.at(-1)} ended with ${code}`)))
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown]
  return message
}
