import { decideRewind, refuseRewind } from '../../src/checkpoints/decide-rewind.ts'
import { PlatformError } from '../../src/errors.ts'
import { REWIND_AXES } from '../../src/events/session-events.ts'
import { skipUndone } from '../../src/events/undone.ts'
import type { Change, LockedSession } from '../../src/sessions/change-session.ts'
import { decidePause } from '../../src/sessions/pause-session.ts'
import { decideResume } from '../../src/sessions/resume-session.ts'
import { decideMessage } from '../../src/sessions/send-message.ts'
import { takePoint } from './sim-points.ts'
import { type SimStore, statusOf } from './sim-store.ts'
import type { SimWorld } from './simulate.ts'

/** A person does something to a session at any moment, through the core's own decisions. What is refused changes nothing. */
export const actAsPerson = (world: SimWorld, sessionId: string): void => {
  const { store, queue, random } = world
  const session = viewSession(store, sessionId)
  const what = random.next()
  let change: Change | null
  try {
    if (what < 0.5)
      change = isFinal(session)
        ? null
        : decideMessage(session, { actor: 'key', text: 'More.', lossy: false, mode: random.pick(['QUEUE', 'STEER', 'INTERRUPT']) })
    else if (what < 0.65) change = decidePause(session, 'key')
    else if (what < 0.82) change = decideResume(session, 'key')
    else if (what < 0.97) change = goBack(world, session)
    else
      change = isFinal(session)
        ? null
        : { events: [statusOf('CANCELED', 'CANCELED_BY_USER')], turn: { op: 'cancel', control: null }, control: true }
  } catch (error) {
    if (error instanceof PlatformError) return
    throw error
  }
  if (change === null) return
  const result = store.append({
    sessionId,
    epoch: null,
    events: change.events,
    ...(change.turn === undefined ? {} : { turn: change.turn }),
  })
  if (result.refused !== undefined) throw new Error(`a person was refused: ${result.refused}`)
  queue.send(result.wakes)
  // An announcement may be lost: the lease's renewal says the same a moment later.
  if (change.control === true && random.chance(0.7)) for (const worker of world.workers) worker.hear(sessionId)
}

const isFinal = ({ status }: LockedSession): boolean => status === 'CANCELED' || status === 'FAILED'

/** What lock_session says. */
export const viewSession = (store: SimStore, sessionId: string): LockedSession => {
  const { fold, control, threadId } = store.sessionOf(sessionId)
  const turn = store.openTurn(sessionId)
  return {
    id: sessionId,
    status: fold.status,
    stopReason: fold.stopReason,
    control,
    primaryThreadId: threadId,
    head: fold.head,
    evaluationRounds: fold.evaluationRounds,
    turn:
      turn === null
        ? null
        : { id: turn.id, kind: turn.kind, state: turn.state as 'due' | 'running' | 'waiting', waitReason: turn.waitReason },
    backlog: 0,
    unread: fold.unread.size,
    tenant: { status: 'ACTIVE', backlogLimit: 100 },
  }
}

/** To any of its checkpoints, undone ones too. Taking one is as likely as going back to one. */
const goBack = ({ store, random, points, sandboxOf }: SimWorld, session: LockedSession): Change | null => {
  const simulated = store.sessionOf(session.id)
  const known = points.get(session.id) ?? []
  const [first, ...rest] = known
  if (first === undefined || random.chance(0.5)) {
    const point = takePoint(store, simulated)
    if (point !== null) points.set(session.id, [...known, point])
    return null
  }
  refuseRewind(session)
  const axis = random.pick(REWIND_AXES)
  const { sandbox } = simulated.fold
  const target = { ...random.pick([first, ...rest]), sandbox: sandbox && { provider: sandbox.provider, image: sandbox.image } }
  if (axis !== 'CONVERSATION') sandboxOf(session.id).lose()
  return decideRewind(session, { target, axis, context: skipUndone(simulated.log), actor: 'key' })
}
