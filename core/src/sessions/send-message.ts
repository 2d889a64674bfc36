import type { Session } from '@longhaul/prisma/generated/client.ts'
import { badInput } from '../errors.ts'
import type { NewEvent } from '../events/event.ts'
import { createId } from '../ids.ts'
import { cleanText } from '../text.ts'
import {
  type Caller,
  type Change,
  type CoreParts,
  changeSessionQuickly,
  type KeptKey,
  type LockedSession,
  refuseBacklog,
  refuseFinal,
  refuseUnread,
} from './change-session.ts'

export const MAX_MESSAGE_BYTES = 200_000

export type SendMessage = { sessionId: string; text: string; mode: 'QUEUE' | 'STEER' | 'INTERRUPT' }

/** Adds a user message and makes sure that a turn will read it. Returns the message's seq and the session as it is now. Throws KeyTakenError for a key used already. */
export const sendMessage = async (
  parts: CoreParts,
  caller: Caller,
  message: SendMessage,
  keep: KeptKey | null = null,
): Promise<{ sessionId: string; seq: number; session: Session }> => {
  const { text, lossy } = cleanText(message.text)
  refuseBadText(text)
  const { sessionId, mode } = message
  const { first, session } = await changeSessionQuickly(parts, { tenantId: caller.tenantId, sessionId, keep }, (locked) => {
    refuseFinal(locked, 'sent a message')
    refuseBacklog(locked)
    refuseUnread(locked)
    return { ...decideMessage(locked, { actor: caller.keyId, text, lossy, mode }), onHead: mode === 'INTERRUPT' }
  })
  return { sessionId, seq: first, session }
}

/** Pure: a waiting or ended session goes on; a running one keeps its turn, which an INTERRUPT asks to stop. */
export const decideMessage = (
  session: LockedSession,
  message: { actor: string; text: string; lossy: boolean; mode: SendMessage['mode'] },
): Change => {
  const running = session.turn?.state === 'running'
  const interrupts = message.mode === 'INTERRUPT' && running
  const mode = message.mode.toLowerCase() as 'queue' | 'steer' | 'interrupt'
  const events: NewEvent[] = [
    { type: 'user.message', actor: message.actor, payload: { text: message.text, mode, ...(message.lossy ? { lossy: true } : {}) } },
    ...(interrupts ? [{ type: 'user.interrupt' as const, actor: message.actor, payload: { messageSeq: session.head + 1 } }] : []),
    ...(isStopped(session)
      ? [{ type: 'session.status' as const, actor: 'platform', payload: { status: 'QUEUED' as const, stopReason: null, activity: null } }]
      : []),
  ]
  if (running) return { events, ...(interrupts ? { turn: { op: 'control', control: 'interrupt' }, control: true } : {}) }
  return { events, turn: { op: 'ensure', next: { id: createId('trn'), kind: 'work' } } }
}

export const isStopped = ({ status }: Pick<LockedSession, 'status'>): boolean =>
  status === 'IDLE' || status === 'PAUSED' || status === 'COMPLETED'

/** An event's payload has a limit in bytes of JSON, where a quote or a control character counts more than once. */
export const refuseLongText = (text: string, field: string): void => {
  if (Buffer.byteLength(JSON.stringify(text)) > MAX_MESSAGE_BYTES) throw badInput(field, `at most ${MAX_MESSAGE_BYTES} bytes as JSON`)
}

const refuseBadText = (text: string): void => {
  if (text.trim() === '') throw badInput('text', 'a text that is not empty')
  refuseLongText(text, 'text')
}
