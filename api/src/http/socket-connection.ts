import type { Duplex } from 'node:stream'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Keyring } from '@longhaul/core/src/tenants/keyring.ts'
import type { Principal } from '@longhaul/core/src/tenants/role.ts'
import { CloseCode } from 'graphql-ws'
import type { WebSocket } from 'ws'
import { LIMITS } from '../graphql/limits.ts'
import type { FrameSink } from '../subscriptions/frame-sink.ts'
import { toTextFrame } from './text-frame.ts'

/** A peer that does not take its close frame is cut off after this. */
const CLOSE_MS = 1_000

/** One open socket: who it belongs to, and how full it is. It is what graphql-ws writes to. */
export class SocketConnection {
  readonly protocol: string
  readonly closed: Promise<void>
  principal: Principal | null = null
  readonly #socket: WebSocket
  /** What the socket writes to. Prepared frames go straight there: nothing is compressed or cut, so ws writes each of its own at once. */
  readonly #stream: Duplex
  readonly #logger: Logger
  readonly #closing = Promise.withResolvers<void>()
  #key: string | null = null
  #answered = true
  #waiting: (() => void)[] = []

  constructor(socket: WebSocket, stream: Duplex, logger: Logger) {
    this.#socket = socket
    this.#stream = stream
    this.#logger = logger
    this.protocol = socket.protocol
    this.closed = this.#closing.promise
    socket.on('pong', () => {
      this.#answered = true
    })
    stream.on('drain', () => this.#wake())
  }

  signIn(key: string, principal: Principal): void {
    this.#key = key
    this.principal = principal
  }

  /** Resolves when the reader keeps up, so that a stream of answers does not outrun it. */
  send(text: string): Promise<void> {
    if (this.#isOpen()) this.#socket.send(text)
    return this.#isReady() ? Promise.resolve() : this.#whenReady()
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    setTimeout(() => this.#socket.terminate(), CLOSE_MS).unref()
  }

  onMessage(listen: (text: string) => Promise<void>): void {
    this.#socket.on('message', (data, isBinary) => {
      if (isBinary) return this.close(CloseCode.BadRequest, 'Text is expected')
      listen(String(data)).catch((error) => {
        this.#logger.warn({ err: error }, 'a message on a socket could not be handled')
        this.close(CloseCode.BadRequest, 'Invalid message received')
      })
    })
  }

  /** Where one operation's prepared payloads go. */
  sinkOf(id: string): FrameSink {
    const head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`)
    const isReady = () => this.#isReady()
    return {
      next: (payload) => {
        if (this.#isOpen()) this.#stream.write(toTextFrame(head, payload))
      },
      get ready() {
        return isReady()
      },
      whenReady: () => this.#whenReady(),
    }
  }

  /** Closes the socket of a key that is no longer good. While the database is away nobody is shut out. */
  async checkKey(keyring: Keyring): Promise<void> {
    if (this.#key === null) return
    const principal = await keyring.authenticate(this.#key).catch(() => this.principal)
    if (principal?.keyId !== this.principal?.keyId || principal?.role !== this.principal?.role)
      this.close(CloseCode.Unauthorized, 'UNAUTHENTICATED')
  }

  ping(): void {
    if (this.#answered) this.#socket.ping()
    else this.#socket.terminate()
    this.#answered = false
  }

  gone(): void {
    this.#closing.resolve()
    this.#wake()
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  #isReady(): boolean {
    return this.#socket.bufferedAmount < LIMITS.socketBufferBytes
  }

  /** So much waits only in a stream that has said it is full: it will say when it has drained. */
  #whenReady(): Promise<void> {
    if (this.#isReady() || !this.#isOpen()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
