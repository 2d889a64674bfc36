import { createHash } from 'node:crypto'

/** What an event's hash covers, as Postgres shows it: `payload` is payload::text, `createdAtMicros` microseconds since 1970. */
export type HashedEvent = {
  sessionId: string
  seq: number
  type: string
  threadId: string
  actor: string
  createdAtMicros: string
  payload: string
  payloadHash: string
  /** null once the payload was erased: its hash is then taken as it stands. */
  salt: string | null
}

/** The chain that append_to_log computes in SQL, computed again here: nobody's word for it but the row's own (invariant 12). */
export const hashEvent = (previousHash: string, event: HashedEvent): string =>
  sha256(
    [previousHash, event.sessionId, event.seq, event.type, event.threadId, event.actor, event.createdAtMicros, event.payloadHash].join(
      '\n',
    ),
  )

/** Whether the payload is the one that was hashed. An erased one can't be asked. */
export const isPayloadWhole = ({ salt, payload, payloadHash }: HashedEvent): boolean =>
  salt === null || sha256(salt + payload) === payloadHash

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
