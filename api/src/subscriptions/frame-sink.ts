/** Where the payloads of one operation go: one of a socket's many. */
export interface FrameSink {
  /** Sends one `next` message with this payload, JSON in UTF-8. */
  next(payload: Buffer): void
  /** Whether the reader keeps up. */
  readonly ready: boolean
  /** Resolves when it does again, or is gone. */
  whenReady(): Promise<void>
}
