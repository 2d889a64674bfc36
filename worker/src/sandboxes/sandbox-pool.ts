import { setTimeout as sleep } from 'node:timers/promises'
import type { EventOf, LogEvent, NewEvent } from '@longhaul/core/src/events/event.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Origin } from '../checkpoints/find-origin.ts'
import type { SetUp } from '../environments/require-set-up.ts'
import type { Stretch } from '../turn/stretch.ts'
import { findLostCalls } from './find-lost-calls.ts'
import { findNextLook, type IdleTimes, toIdleTimes } from './keep-awake.ts'
import { type OpenedSandbox, type Sandbox, type SandboxProvider, type SandboxSpec, StaleEpochError } from './sandbox.ts'
import type { WarmKind } from './warm-sandboxes.ts'

/** A resource could not be put in, and trying again by itself would not help. Its message is for the person who asked for it. */
export class ResourcesFailedError extends Error {}

/**
 * Puts a session's resources into a fresh workspace, or what a checkpoint stored of it, and remembers how it looked the first time. Says
 * which snapshot that was.
 */
export type FillWorkspace = (
  stretch: Stretch,
  opened: Pick<OpenedSandbox, 'sandbox' | 'madeFrom'> & { origin: Origin | null },
) => Promise<{ baselineSnapshotId: string | null }>

/** A closing pool waits so long for sandboxes that are being opened. */
const OPENING_MS = 5_000

/** Puts in what people sent and the sandbox does not have; the events that say so. */
export type PlaceUploads = (stretch: Stretch, at: { sandbox: Sandbox; after: number | null }) => Promise<NewEvent[]>

type Opening = {
  tenantId: string
  epoch: number
  heldUntil: number
  times: IdleTimes
  idleSince: number
  opened: Promise<Opened>
  isOpen: boolean
}

/** `origin`: the checkpoint that it was made from at this opening; `buildId`: the set-up. */
type Opened = { sandbox: Sandbox; baselineSnapshotId: string | null; origin: Origin | null; buildId: string | null }

/**
 * The sandboxes this worker is attached to. A cache only: a worker that has none opens what it needs. Freezes a sandbox that had
 * nothing to do for a while, and whose processes do not keep it awake, or stops it; its files stay.
 */
export class SandboxPool {
  readonly provider: SandboxProvider
  readonly #fill: FillWorkspace
  readonly #placeUploads: PlaceUploads
  /** Where an environment does not say. */
  readonly idleMs: number
  readonly #logger: Logger
  readonly #openings = new Map<string, Opening>()
  readonly #idle = new Map<string, NodeJS.Timeout>()
  readonly #held = new Map<string, Promise<void>>()
  readonly #findOrigin: (of: { tenantId: string; sessionId: string }) => Promise<Origin | null>
  readonly #findSetUp: (stretch: Stretch) => Promise<SetUp | null>
  readonly #isLastHolder: (claim: { sessionId: string; epoch: number }) => Promise<boolean>
  readonly #onSuspended: (session: { tenantId: string; sessionId: string }) => Promise<void>
  readonly #stopPaused: (keep: number) => Promise<void>
  readonly #maxPaused: number
  readonly #onMade: (environmentVersionId: string, kind: WarmKind) => void
  #closing = false

  constructor(
    provider: SandboxProvider,
    options: {
      fill: FillWorkspace
      placeUploads: PlaceUploads
      findOrigin: (of: { tenantId: string; sessionId: string }) => Promise<Origin | null>
      findSetUp: (stretch: Stretch) => Promise<SetUp | null>
      idleMs: number
      logger: Logger
      isLastHolder: (claim: { sessionId: string; epoch: number }) => Promise<boolean>
      onSuspended: (session: { tenantId: string; sessionId: string }) => Promise<void>
      /** A sandbox was made for a session, from nothing that the session itself had kept. */
      onMade: (environmentVersionId: string, kind: WarmKind) => void
      /** So many of the engine's idle sandboxes may be frozen instead of stopped. */
      maxPaused: number
      /** Stops those that are more. */
      stopPaused: (keep: number) => Promise<void>
    },
  ) {
    this.provider = provider
    this.#fill = options.fill
    this.#placeUploads = options.placeUploads
    this.#findOrigin = options.findOrigin
    this.#findSetUp = options.findSetUp
    this.idleMs = options.idleMs
    this.#logger = options.logger
    this.#isLastHolder = options.isLastHolder
    this.#onSuspended = options.onSuspended
    this.#maxPaused = options.maxPaused
    this.#onMade = options.onMade
    this.#stopPaused = options.stopPaused
  }

  /** Starts the sandbox beside something else. What goes wrong shows when it is acquired. */
  warm(stretch: Stretch): void {
    this.#open(stretch).catch(() => {})
  }

  /** It would be acquired at once: nothing is opened first, and nobody keeps its files. */
  isAtHand({ claim: { session, epoch } }: Stretch): boolean {
    const known = this.#openings.get(session.id)
    return known !== undefined && known.epoch === epoch && known.isOpen && !this.#held.has(session.id) && !session.hasUploads
  }

  /** The session's sandbox under this claim, with its resources in; the log says so when it is new, or when the old one was lost. */
  async acquire(stretch: Stretch): Promise<Sandbox> {
    await this.#held.get(stretch.claim.session.id)
    const { sandbox, ...opened } = await this.#open(stretch)
    // Recorded before a tool runs: until then a crash makes it anew, and loses nothing.
    const { sandboxId, sandboxState, hasUploads } = stretch.claim.session
    const isNew = sandboxId !== sandbox.id
    const after = isNew ? (opened.origin?.seq ?? 0) : null
    const placed = isNew || hasUploads ? await this.#placeUploads(stretch, { sandbox, after }) : []
    if (isNew || sandboxState !== 'RUNNING') await this.#record(stretch, { sandbox, ...opened }, placed)
    else if (placed.length > 0) await stretch.append(placed)
    stretch.claim.session.hasUploads = false
    return sandbox
  }

  /** Nobody opens, uses or stops the session's sandbox until this has settled: its files are being kept. */
  hold(sessionId: string, until: Promise<void>): void {
    const held = until.finally(() => {
      if (this.#held.get(sessionId) === held) this.#held.delete(sessionId)
    })
    this.#held.set(sessionId, held)
  }

  /** A turn of this worker has the session: its sandbox is not idle, whether or not a tool is called. `release` follows. */
  occupy(sessionId: string): void {
    this.#clearIdle(sessionId)
  }

  /** The worker has let go of the session: after a while without work its sandbox rests. */
  release({ sessionId, epoch }: { sessionId: string; epoch: number }): void {
    const known = this.#openings.get(sessionId)
    if (known === undefined || known.epoch > epoch) return
    known.heldUntil = epoch // a turn that needed no tool held the session too
    known.idleSince = performance.now()
    this.#restAfter(sessionId, known.times.idleMs)
  }

  /** The claim's channel is of no more use: the next turn opens it anew. What a later claim has opened stays. */
  forget({ sessionId, epoch }: { sessionId: string; epoch: number }): void {
    const known = this.#openings.get(sessionId)
    if (known !== undefined && known.epoch > epoch) return
    this.#openings.delete(sessionId)
    known?.opened.then(({ sandbox }) => sandbox.detach()).catch(() => {})
  }

  /** Stops frozen sandboxes of this engine that are too many: the setting was lowered, or two workers froze one each at once. */
  stopExcess(): Promise<void> {
    return this.#stopPaused(this.#maxPaused)
  }

  async remove(sessionId: string): Promise<void> {
    this.#clearIdle(sessionId)
    this.forget({ sessionId, epoch: Number.POSITIVE_INFINITY })
    await this.provider.remove(sessionId)
  }

  /** A session waits for its sandbox. */
  isOpening(): boolean {
    return [...this.#openings.values()].some(({ isOpen }) => !isOpen)
  }

  /** Sessions this worker is attached to. */
  attached(): string[] {
    return [...this.#openings.keys()]
  }

  /** Stops what is idle, and leaves to the reaper of whoever comes next what its processes keep awake. A sandbox whose turn was handed over may be another worker's by now: it is left alone. */
  async close(): Promise<void> {
    this.#closing = true
    const idle = [...this.#idle.keys()]
    for (const sessionId of idle) this.#clearIdle(sessionId)
    // One that was warmed and then not needed may still be on its way: cut off half-way it would be nobody's.
    await Promise.race([
      Promise.allSettled([...this.#openings.values()].map(({ opened }) => opened)),
      sleep(OPENING_MS, undefined, { ref: false }),
    ])
    await Promise.all(idle.map((sessionId) => this.#rest(sessionId, { leavesAwake: true })))
    for (const sessionId of this.attached()) this.forget({ sessionId, epoch: Number.POSITIVE_INFINITY })
  }

  #open(stretch: Stretch): Opening['opened'] {
    const { session, epoch } = stretch.claim
    const known = this.#openings.get(session.id)
    // A turn of this very worker whose lease had expired for a moment, and who has not noticed.
    if (known !== undefined && known.epoch > epoch) return Promise.reject(new StaleEpochError('the session was claimed again'))
    this.#clearIdle(session.id)
    if (known !== undefined && known.epoch === epoch) return known.opened
    // The older claim's channel would go on mending itself, and start again what is stopped.
    this.forget({ sessionId: session.id, epoch })
    const opened = this.#openAndFill(stretch)
    const times = toIdleTimes(stretch.claim.environmentVersion, this.idleMs)
    const { tenantId } = stretch.claim
    const opening: Opening = { tenantId, epoch, heldUntil: epoch, times, idleSince: 0, opened, isOpen: false }
    this.#openings.set(session.id, opening)
    opened.then(
      () => {
        opening.isOpen = true
      },
      () => {
        if (this.#openings.get(session.id) === opening) this.#openings.delete(session.id)
      },
    )
    return opened
  }

  async #openAndFill(stretch: Stretch): Opening['opened'] {
    const { epoch, tenantId, session } = stretch.claim
    await this.#held.get(session.id)
    let origin: Origin | null = null
    const findImage = async () => {
      origin = await this.#findOrigin({ tenantId, sessionId: session.id })
      return origin?.imageId ?? null
    }
    let setUp: SetUp | null = null
    const findSetUp = async () => {
      setUp = await this.#findSetUp(stretch)
      return setUp?.imageId ?? null
    }
    const opening = { epoch, filledId: session.sandboxId, signal: stretch.wishes.lost, findImage, findSetUp }
    const spec = toSpec(stretch)
    const opened = await this.provider.open(spec, opening)
    const { sandbox, fresh } = opened
    if (!fresh) return { sandbox, baselineSnapshotId: null, origin: null, buildId: null }
    await stretch.parts.atPoint('sandbox_made')
    const found = origin as Origin | null
    if (!found?.imageId) this.#onMade(stretch.claim.environmentVersion.id, { ...spec, imageId: opened.madeFrom })
    const { buildId = null } = (setUp as SetUp | null) ?? {}
    // What an image holds was filled when it was kept.
    const filled = found?.imageId ? null : await this.#fill(stretch, { ...opened, origin: found })
    return { sandbox, baselineSnapshotId: filled?.baselineSnapshotId ?? null, origin: found, buildId }
  }

  async #record(stretch: Stretch, { sandbox, baselineSnapshotId, origin, buildId }: Opened, more: NewEvent[]): Promise<void> {
    const common = {
      sandboxId: sandbox.id,
      provider: this.provider.name,
      engineId: await this.provider.engineId(),
      image: stretch.claim.environmentVersion.image,
      isolated: this.provider.isolated,
    }
    const events: NewEvent[] = []
    const from = { ...toOriginFields(origin), ...(buildId === null ? {} : { buildId }) }
    const { sandboxId, sandboxState } = stretch.claim.session
    if (sandboxId !== sandbox.id) {
      const lostCalls = findLostCalls(stretch.events, origin?.seq ?? null)
      const lost = sandboxId !== null || lostCalls.length > 0 || this.#isCut(sandboxState, origin)
      if (lost) events.push(stateEvent({ ...common, ...from, state: 'LOST', lostCalls }))
    }
    events.push(stateEvent({ ...common, ...from, state: 'RUNNING', ...(baselineSnapshotId === null ? {} : { baselineSnapshotId }) }))
    await stretch.append([...events, ...more])
    stretch.claim.session.sandboxId = sandbox.id
    stretch.claim.session.sandboxState = 'RUNNING'
    if (baselineSnapshotId !== null) stretch.claim.session.baselineSnapshotId = baselineSnapshotId
  }

  /** One that had become an image, or that was given up for one, comes back whole from that image, and from nothing else. */
  #isCut(sandboxState: string | null, origin: Origin | null): boolean {
    if (sandboxState === null || origin?.imageId) return false
    return sandboxState !== 'GONE' || (origin !== null && this.provider.images !== null)
  }

  #restAfter(sessionId: string, ms: number): void {
    clearTimeout(this.#idle.get(sessionId))
    this.#idle.set(
      sessionId,
      setTimeout(() => void this.#rest(sessionId), ms),
    )
  }

  async #rest(sessionId: string, { leavesAwake = false } = {}): Promise<void> {
    this.#idle.delete(sessionId)
    const known = this.#openings.get(sessionId)
    if (known === undefined) return
    const idle = { sessionId, times: known.times, idleForMs: performance.now() - known.idleSince }
    const nextLookMs = await findNextLook({ provider: this.provider, logger: this.#logger }, idle)
    // A turn has begun since, or has ended: its own time runs.
    if (this.#openings.get(sessionId) !== known || this.#idle.has(sessionId)) return
    if (nextLookMs !== null) {
      if (!leavesAwake) this.#restAfter(sessionId, nextLookMs)
      return
    }
    const { tenantId, heldUntil: epoch } = known
    this.forget({ sessionId, epoch })
    await this.#held.get(sessionId)
    try {
      // Another worker of this engine may have had it since, and may run a tool in it now.
      if (!(await this.#isLastHolder({ sessionId, epoch }))) return
      const paused = this.#maxPaused > 0 && !this.#closing && (await this.provider.pause(sessionId))
      if (!paused) await this.provider.stop(sessionId)
      // Who claims it from here on finds it frozen. One who had claimed it before may have found it running, and waits for an answer.
      else if (!(await this.#isLastHolder({ sessionId, epoch }))) return await this.provider.unpause(sessionId)
      await this.#onSuspended({ tenantId, sessionId })
      if (paused) await this.stopExcess()
    } catch (error) {
      this.#logger.warn({ err: error, sessionId }, 'an idle sandbox could be neither frozen nor stopped')
    }
  }

  #clearIdle(sessionId: string): void {
    clearTimeout(this.#idle.get(sessionId))
    this.#idle.delete(sessionId)
  }
}

/** The sandbox was lost after this call was logged, and began anew. */
export const wasLostSince = (events: readonly LogEvent[], seq: number): boolean =>
  events.some((event) => event.type === 'sandbox.state' && event.payload.state === 'LOST' && event.seq > seq)

const toSpec = ({ claim }: Stretch): SandboxSpec => ({
  tenantId: claim.tenantId,
  sessionId: claim.session.id,
  image: claim.environmentVersion.image,
  cpus: claim.environmentVersion.cpus,
  memoryMb: claim.environmentVersion.memoryMb,
  diskMb: claim.environmentVersion.diskMb,
})

const toOriginFields = (origin: Origin | null): Pick<EventOf<'sandbox.state'>['payload'], 'checkpointId' | 'checkpointSeq' | 'kept'> =>
  origin === null
    ? {}
    : { checkpointId: origin.checkpointId, checkpointSeq: origin.seq, kept: origin.imageId === null ? 'workspace' : 'everything' }

const stateEvent = (payload: Omit<EventOf<'sandbox.state'>['payload'], 'v'>): NewEvent => ({
  type: 'sandbox.state',
  actor: 'platform',
  payload,
})
