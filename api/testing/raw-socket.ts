import { WebSocket } from 'ws'

export type Message = {
  id?: string
  type: string
  payload?: { data?: Record<string, unknown> | null; errors?: { extensions: Record<string, unknown> }[] } & {
    extensions?: Record<string, unknown>
  }[]
}

/** The protocol by hand: what a client library would not send. */
export class RawSocket {
  readonly socket: WebSocket
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #messages: Message[] = []
  #wake = () => {}

  constructor(url: string, options: { origin?: string; protocol?: string } = {}) {
    this.socket = new WebSocket(url.replace('http', 'ws'), options.protocol ?? 'graphql-transport-ws', {
      ...(options.origin ? { origin: options.origin } : {}),
    })
    this.socket.on('message', (data) => {
      this.#messages.push(JSON.parse(String(data)))
      this.#wake()
    })
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })))
  }

  get opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('unexpected-response', (_, response) => reject(new Error(String(response.statusCode))))
    })
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message))
  }

  async hear(): Promise<Message> {
    while (this.#messages.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#messages.shift() as Message
  }

  async signIn(key: string): Promise<this> {
    await this.opened
    this.say({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } })
    const { type } = await this.hear()
    if (type !== 'connection_ack') throw new Error(`the socket was answered ${type}`)
    return this
  }

  async ask(query: string, variables: object = {}, id = 'x'): Promise<Message> {
    this.say({ id, type: 'subscribe', payload: { query, variables } })
    return this.hear()
  }
}
