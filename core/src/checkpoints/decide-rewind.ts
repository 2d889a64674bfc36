import { PlatformError } from '../errors.ts'
import type { EventOf, LogEvent, NewEvent } from '../events/event.ts'
import type { RewindAxis } from '../events/session-events.ts'
import { addUndone } from '../events/undone.ts'
import { type Change, type LockedSession, refuseFinal, refuseSuspended } from '../sessions/change-session.ts'
import { endOpenCalls } from './end-open-calls.ts'
import { findOpenCalls } from './find-open-calls.ts'
import { CHANGING_TOOLS } from './is-checkpoint-due.ts'
import type { RewindTarget } from './rewind-target.ts'

const NOT_RUN = 'Not run: the session was taken back to before this call began.'
const FILES_GONE = 'Not run: the files were taken back before this call began.'
const UNKNOWN = 'Outcome unknown: the files were taken back while nobody had asked for its result. What it did to them is gone.'

/** Who works would write on, and its tools too: somebody has to stop it first, and to have seen where it stopped. */
export const refuseRewind = (session: LockedSession): void => {
  refuseFinal(session, 'taken back; it can be forked')
  refuseSuspended(session)
  if (session.status === 'RUNNING' || session.turn?.state === 'running') {
    throw new PlatformError('CONFLICT', `Session ${session.id} is RUNNING: pause it first, and take it back once it is PAUSED.`, {
      status: 'RUNNING',
    })
  }
}

/**
 * Pure. The turn that was open ends, and the epoch rises above whoever ran it; then the session rests, whatever it did, because who goes
 * back wants to say something else: nothing is spent until a message comes, or a resume.
 */
export const decideRewind = (
  session: Pick<LockedSession, 'head'>,
  { target, axis, context, actor }: { target: RewindTarget; axis: RewindAxis; context: readonly LogEvent[]; actor: string },
): Change => {
  const { checkpointId, seq, label } = target
  const files = axis === 'CONVERSATION' ? null : backToFiles(session, target, context)
  const thread = axis === 'FILES' ? null : backToThread(session, target)
  const open = axis === 'FILES' ? findOpenCalls(context) : target.context.openCalls
  const texts = axis === 'FILES' ? { notRun: FILES_GONE, unknown: UNKNOWN } : { notRun: NOT_RUN }
  const events: NewEvent[] = [
    { type: 'session.rewound', actor, payload: { checkpointId, seq, label, axis, thread, files } },
    ...endOpenCalls(open, texts),
    ...(files === null ? [] : replaceSandbox(target, files.engineId)),
    { type: 'session.status', actor, payload: { status: 'PAUSED', stopReason: 'PAUSED_BY_USER', activity: null } },
  ]
  return { events, turn: { op: 'cancel', control: null }, control: true }
}

type Payload = EventOf<'session.rewound'>['payload']

const backToThread = ({ head }: Pick<LockedSession, 'head'>, { seq, context }: RewindTarget): NonNullable<Payload['thread']> => ({
  contextFromSeq: context.contextFromSeq,
  contextTokens: context.contextTokens,
  unread: context.unread.map(({ seq: message, mode }) => ({ seq: message, mode })),
  undone: addUndone(context.undone ?? [], { first: seq + 1, last: head }),
})

const backToFiles = (
  { head }: Pick<LockedSession, 'head'>,
  { seq, context, engineId, origin }: RewindTarget,
  events: readonly LogEvent[],
): NonNullable<Payload['files']> => ({
  originId: origin?.id ?? null,
  // Its image holds everything; an archive can be restored anywhere, so the session stays where it is.
  engineId: origin?.engineId ?? engineId,
  undone: addUndone(context.filesUndone ?? [], { first: seq + 1, last: head }),
  lostCalls: events.flatMap((event) =>
    event.type === 'agent.tool_call' && event.seq > seq && CHANGING_TOOLS.has(event.payload.name) ? [event.seq] : [],
  ),
})

/** From here on the log knows no sandbox: one is made from the checkpoint when a tool needs it, and what runs still is nobody's. */
const replaceSandbox = ({ checkpointId, seq, sandbox }: RewindTarget, engineId: string | null): NewEvent[] =>
  sandbox === null
    ? []
    : [
        {
          type: 'sandbox.state',
          actor: 'platform',
          payload: {
            ...sandbox,
            state: 'GONE',
            sandboxId: null,
            engineId,
            isolated: sandbox.provider !== 'process',
            checkpointId,
            checkpointSeq: seq,
          },
        },
      ]
