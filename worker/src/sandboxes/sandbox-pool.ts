import { setTimeout as sleep } from 'node:timers/promises'
import type { EventOf, LogEvent, NewEvent } from '@longhaul/core/src/events/event.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Stretch } from '../turn/stretch.ts'
import { type OpenedSandbox, type Sandbox, type SandboxProvider, type SandboxSpec, StaleEpochError } from './sandbox.ts'

/** A resource could not be put in, and trying again by itself would not help. Its message is for the person who asked for it. */
export class ResourcesFailedError extends Error {}

/** Puts a session's resources into a fresh workspace, and remembers how it looked then. Says which snapshot that was, where it is the first. */
export type FillWorkspace = (
  stretch: Stretch,
  opened: Pick<OpenedSandbox, 'sandbox' | 'madeFrom'>,
) => Promise<{ baselineSnapshotId: string | null }>

/** A closing pool waits so long for sandboxes that are being opened. */
const OPENING_MS = 5_000

type Opening = {
  tenantId: string
  epoch: number
  heldUntil: number
  opened: Promise<{ sandbox: Sandbox; baselineSnapshotId: string | null }>
}

/**
 * The sandboxes this worker is attached to. A cache only: a worker that has none opens what it needs. Stops a sandbox that had
 * nothing to do for a while; its files stay.
 */
export class SandboxPool {
  readonly provider: SandboxProvider
  readonly #fill: FillWorkspace
  readonly #idleMs: number
  readonly #logger: Logger
  readonly #openings = new Map<string, Opening>()
  readonly #idle = new Map<string, NodeJS.Timeout>()
  readonly #isLastHolder: (claim: { sessionId: string; epoch: number }) => Promise<boolean>
  readonly #onSuspended: (session: { tenantId: string; sessionId: string }) => Promise<void>

  constructor(
    provider: SandboxProvider,
    options: {
      fill: FillWorkspace
      idleMs: number
      logger: Logger
      isLastHolder: (claim: { sessionId: string; epoch: number }) => Promise<boolean>
      onSuspended: (session: { tenantId: string; sessionId: string }) => Promise<void>
    },
  ) {
    this.provider = provider
    this.#fill = options.fill
    this.#idleMs = options.idleMs
    this.#logger = options.logger
    this.#isLastHolder = options.isLastHolder
    this.#onSuspended = options.onSuspended
  }

  /** Starts the sandbox beside something else. What goes wrong shows when it is acquired. */
  warm(stretch: Stretch): void {
    this.#open(stretch).catch(() => {})
  }

  /** The session's sandbox under this claim, with its resources in; the log says so when it is new, or when the old one was lost. */
  async acquire(stretch: Stretch): Promise<Sandbox> {
    const { sandbox, baselineSnapshotId } = await this.#open(stretch)
    // Recorded before a tool runs: until then a crash makes it anew, and loses nothing.
    const { sandboxId, sandboxState } = stretch.claim.session
    if (sandboxId !== sandbox.id || sandboxState !== 'RUNNING') await this.#record(stretch, { sandbox, baselineSnapshotId })
    return sandbox
  }

  /** The worker has let go of the session: after a while without work its sandbox is stopped. */
  release({ sessionId, epoch }: { sessionId: string; epoch: number }): void {
    const known = this.#openings.get(sessionId)
    if (known === undefined || known.epoch > epoch) return
    known.heldUntil = epoch // a turn that needed no tool held the session too
    clearTimeout(this.#idle.get(sessionId))
    this.#idle.set(
      sessionId,
      setTimeout(() => void this.#stopIdle(sessionId), this.#idleMs),
    )
  }

  /** The claim's channel is of no more use: the next turn opens it anew. What a later claim has opened stays. */
  forget({ sessionId, epoch }: { sessionId: string; epoch: number }): void {
    const known = this.#openings.get(sessionId)
    if (known !== undefined && known.epoch > epoch) return
    this.#openings.delete(sessionId)
    known?.opened.then(({ sandbox }) => sandbox.detach()).catch(() => {})
  }

  async remove(sessionId: string): Promise<void> {
    this.#clearIdle(sessionId)
    this.forget({ sessionId, epoch: Number.POSITIVE_INFINITY })
    await this.provider.remove(sessionId)
  }

  /** Sessions this worker is attached to. */
  attached(): string[] {
    return [...this.#openings.keys()]
  }

  /** Stops what is idle. A sandbox whose turn was handed over may be another worker's by now: it is left alone. */
  async close(): Promise<void> {
    const idle = [...this.#idle.keys()]
    for (const sessionId of idle) this.#clearIdle(sessionId)
    // One that was warmed and then not needed may still be on its way: cut off half-way it would be nobody's.
    await Promise.race([
      Promise.allSettled([...this.#openings.values()].map(({ opened }) => opened)),
      sleep(OPENING_MS, undefined, { ref: false }),
    ])
    await Promise.all(idle.map((sessionId) => this.#stopIdle(sessionId)))
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
    const opening = { tenantId: stretch.claim.tenantId, epoch, heldUntil: epoch, opened }
    this.#openings.set(session.id, opening)
    opened.catch(() => {
      if (this.#openings.get(session.id) === opening) this.#openings.delete(session.id)
    })
    return opened
  }

  async #openAndFill(stretch: Stretch): Opening['opened'] {
    const { epoch } = stretch.claim
    const options = { epoch, filledId: stretch.claim.session.sandboxId, signal: stretch.wishes.lost }
    const opened = await this.provider.open(toSpec(stretch), options)
    const { baselineSnapshotId } = opened.fresh ? await this.#fill(stretch, opened) : { baselineSnapshotId: null }
    return { sandbox: opened.sandbox, baselineSnapshotId }
  }

  async #record(stretch: Stretch, { sandbox, baselineSnapshotId }: { sandbox: Sandbox; baselineSnapshotId: string | null }): Promise<void> {
    const common = {
      sandboxId: sandbox.id,
      provider: this.provider.name,
      engineId: await this.provider.engineId(),
      image: stretch.claim.environmentVersion.image,
      isolated: this.provider.isolated,
    }
    const events: NewEvent[] = []
    if (stretch.claim.session.sandboxId !== null && stretch.claim.session.sandboxId !== sandbox.id)
      events.push(stateEvent({ ...common, state: 'LOST', lostCalls: callsSinceStart(stretch.events) }))
    events.push(stateEvent({ ...common, state: 'RUNNING', ...(baselineSnapshotId === null ? {} : { baselineSnapshotId }) }))
    await stretch.append(events)
    stretch.claim.session.sandboxId = sandbox.id
    stretch.claim.session.sandboxState = 'RUNNING'
    if (baselineSnapshotId !== null) stretch.claim.session.baselineSnapshotId = baselineSnapshotId
  }

  async #stopIdle(sessionId: string): Promise<void> {
    this.#idle.delete(sessionId)
    const known = this.#openings.get(sessionId)
    if (known === undefined) return
    const { tenantId, heldUntil: epoch } = known
    this.forget({ sessionId, epoch })
    try {
      // Another worker of this engine may have had it since, and may run a tool in it now.
      if (!(await this.#isLastHolder({ sessionId, epoch }))) return
      await this.provider.stop(sessionId)
      await this.#onSuspended({ tenantId, sessionId })
    } catch (error) {
      this.#logger.warn({ err: error, sessionId }, 'an idle sandbox could not be stopped')
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

/** Calls that may have changed the sandbox since it last began anew. */
const callsSinceStart = (events: readonly LogEvent[]): number[] => {
  const start = events.findLast((event) => event.type === 'sandbox.state' && event.payload.state === 'RUNNING')?.seq ?? 0
  return events.flatMap((event) =>
    event.type === 'agent.tool_call' && event.seq > start && CHANGING.has(event.payload.name) ? [event.seq] : [],
  )
}

const CHANGING = new Set(['bash', 'write', 'edit'])

const stateEvent = (payload: Omit<EventOf<'sandbox.state'>['payload'], 'v'>): NewEvent => ({
  type: 'sandbox.state',
  actor: 'platform',
  payload,
})
