/**
 * Owns the proof of the pure core under faults: the real decisions over a simulated store, queue, model, sandbox and clock, all drawn
 * from one seed. Workers die, stall and come back; wakes are lost, doubled and late; answers of the database get lost; people speak at
 * any moment. Must never use a clock or a random number that the seed does not give.
 */
import type { RewindTarget } from '../../src/checkpoints/rewind-target.ts'
import { findFaults } from './find-faults.ts'
import type { Bugs } from './planted-bug.ts'
import { createRandom } from './random.ts'
import { SimModel } from './sim-model.ts'
import { actAsPerson } from './sim-person.ts'
import { SimQueue } from './sim-queue.ts'
import { SimSandbox } from './sim-sandbox.ts'
import { SimStore, statusOf } from './sim-store.ts'
import type { SimParts } from './sim-stretch.ts'
import { SimWorker } from './sim-worker.ts'

/** Faults end here; what is whole then comes to rest by itself. */
const FAULTS_END_MS = 30_000
const PATIENCE_MS = 400_000
const SWEEP_MS = 1_000

export type SimResult = { seed: number; faults: string[]; restMs: number; answers: number }

export type SimWorld = SimParts & {
  workers: SimWorker[]
  sessionIds: readonly [string, ...string[]]
  /** Checkpoints that people have taken, by session. */
  points: Map<string, RewindTarget[]>
  faulty(): boolean
}

/** Something that happens again and again: it says when it comes next. */
type Beat = { at: number; happen(): number }

export const simulate = (seed: number, bugs: Bugs = new Set()): SimResult => {
  const random = createRandom(seed)
  let nowMs = 1_000
  let ids = 0
  const now = () => nowMs
  const nextId = (prefix: string) => `${prefix}_${String(++ids).padStart(9, '0')}`
  const faulty = () => nowMs < FAULTS_END_MS
  const sandboxes = new Map<string, SimSandbox>()
  const world = createWorld({ random, now, nextId, bugs, faulty, sandboxes })
  const beats = [...toBeats(world), ...(bugs.has('no_sweep') ? [] : [toSweep(world)])]
  const run = () => {
    while (nowMs < PATIENCE_MS && (faulty() || !isAtRest(world))) {
      for (const beat of beats) if (beat.at <= nowMs) beat.at = beat.happen()
      for (const worker of world.workers) worker.tick()
      nowMs = Math.max(nowMs + 1, nextMoment(world, beats))
    }
    return findFaults(world, sandboxes)
  }
  return { seed, faults: withThrown(run), restMs: nowMs, answers: world.model.lines.length }
}

/** What the database would refuse with an exception is a fault like any other. */
const withThrown = (run: () => string[]): string[] => {
  try {
    return run()
  } catch (error) {
    return [`it threw: ${error instanceof Error ? error.message : String(error)}`]
  }
}

type Outside = Pick<SimWorld, 'random' | 'now' | 'nextId' | 'bugs' | 'faulty'> & { sandboxes: Map<string, SimSandbox> }

const createWorld = ({ sandboxes, ...outside }: Outside): SimWorld => {
  const { random, now, bugs, faulty } = outside
  const store = new SimStore({ now, bugs, maxConcurrent: random.int(1, 4), limitNanos: BigInt(random.pick([400, 1_500, 1_000_000])) })
  const faults = { drop: random.pick([0, 0.1, 0.5]), duplicate: random.pick([0, 0.2, 0.6]), delayMs: random.pick([5, 50, 3_000]) }
  const queue = new SimQueue({ random, now, faults })
  const sandboxOf = (id: string): SimSandbox => {
    const sandbox = sandboxes.get(id) ?? new SimSandbox({ random, now, bugs })
    sandboxes.set(id, sandbox)
    return sandbox
  }
  const sessionIds = Array.from({ length: random.int(1, 3) }, (_, index) => `ses_${index}`) as [string, ...string[]]
  const world: SimWorld = {
    ...outside,
    store,
    queue,
    model: new SimModel(random),
    sandboxOf,
    sessionIds,
    mayFail: faulty,
    points: new Map(),
    workers: [],
  }
  world.workers.push(...Array.from({ length: random.int(1, 3) }, () => new SimWorker(world, 'worker')))
  for (const id of sessionIds) begin(world, id)
  return world
}

const nextMoment = ({ queue, workers }: SimWorld, beats: readonly Beat[]): number => {
  let next = Number.POSITIVE_INFINITY
  for (const { at } of beats) next = Math.min(next, at)
  for (const worker of workers) next = Math.min(next, worker.nextAt(), worker.hasRoom() ? queue.nextAt() : next)
  return next
}

/** What comes from outside, while faults last. */
const toBeats = (world: SimWorld): Beat[] => {
  const { random, queue, now, sessionIds } = world
  const beat = (everyMs: number, happen: () => void): Beat => ({
    at: now() + random.int(1, everyMs * 2),
    happen: () => {
      if (!world.faulty()) return Number.POSITIVE_INFINITY
      happen()
      return now() + random.int(1, everyMs * 2)
    },
  })
  const calm: Beat = {
    at: FAULTS_END_MS,
    happen: () => {
      queue.faults = { ...queue.faults, duplicate: 0, delayMs: 5, drop: world.bugs.has('no_sweep') ? queue.faults.drop : 0 }
      return Number.POSITIVE_INFINITY
    },
  }
  return [
    beat(random.pick([600, 3_000, 12_000]), () => actAsPerson(world, random.pick(sessionIds))),
    beat(random.pick([4_000, 20_000]), () => world.sandboxOf(random.pick(sessionIds)).lose()),
    beat(15_000, () => queue.wipe()),
    calm,
  ]
}

const toSweep = ({ store, queue, workers, now }: SimWorld): Beat => ({
  at: 0,
  happen: () => {
    if (workers.some((worker) => worker.isAwake())) queue.send(store.sweep().wakes)
    return now() + SWEEP_MS
  },
})

const begin = ({ store, queue, random, nextId }: SimWorld, id: string): void => {
  store.addSession(id)
  const created = {
    agentId: 'a',
    agentVersionId: 'a',
    environmentId: 'e',
    environmentVersionId: 'e',
    title: null,
    prompt: 'Begin.',
    maxEvaluations: 3,
    resources: [],
  }
  const conditions = Array.from({ length: random.int(0, 2) }, (_, index) => ({
    conditionId: `cnd_${id}_${index}`,
    name: `c${index}`,
    kind: 'COMMAND' as const,
    spec: {},
  }))
  const result = store.append({
    sessionId: id,
    epoch: null,
    events: [
      { type: 'session.created', actor: 'key', payload: created },
      ...conditions.map((payload) => ({ type: 'condition.added' as const, actor: 'key', payload })),
      statusOf('QUEUED', null),
      { type: 'user.message', actor: 'key', payload: { text: 'Begin.', mode: 'queue' } },
    ],
    turn: { op: 'ensure', next: { id: nextId('trn'), kind: 'work' } },
  })
  if (result.refused === undefined) queue.send(result.wakes)
}

const isAtRest = ({ store, workers }: SimWorld): boolean =>
  workers.every((worker) => worker.isIdle()) &&
  store.money.heldNanos === 0n &&
  [...store.sessions.values()].every(({ fold }) => fold.status !== 'QUEUED' && fold.status !== 'RUNNING')
