import { connect, type Socket } from 'node:net'

export type ApiClient = { mutate(document: string, input: Record<string, unknown>): Promise<void>; close(): void }

/** One kept connection with at most one request under way. */
type Connection = { send(body: string): Promise<string> }

/**
 * GraphQL over HTTP by the least costly client there is: kept connections, and heads that are made once. It shares the machine with
 * what it measures, and node:http's client takes a third of what the api itself does. Throws what the api answers with.
 */
export const openApiClient = ({ url, key, sockets }: { url: string; key: string; sockets: number }): ApiClient => {
  const { hostname, port, host } = new URL(url)
  const head = `POST /graphql HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\nauthorization: Bearer ${key}\r\ncontent-length: `
  const opened: Socket[] = []
  const free: Connection[] = []
  const waiting: ((connection: Connection) => void)[] = []

  const open = (): Connection => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    opened.push(socket)
    return startConnection(socket, head)
  }

  const take = (): Connection | Promise<Connection> =>
    free.pop() ?? (opened.length < sockets ? open() : new Promise<Connection>((resolve) => waiting.push(resolve)))

  const give = (connection: Connection): void => {
    const next = waiting.shift()
    if (next === undefined) free.push(connection)
    else next(connection)
  }

  return {
    mutate: async (query, input) => {
      const connection = await take()
      const answer = await connection.send(JSON.stringify({ query, variables: { input } }))
      give(connection)
      if (!answer.startsWith('{"data"') || answer.includes('"errors"')) throw new Error(answer.slice(0, 1_000))
    },
    close: () => {
      for (const socket of opened) socket.destroy()
    },
  }
}

const startConnection = (socket: Socket, head: string): Connection => {
  let asked: PromiseWithResolvers<string> | null = null
  let received = ''
  const fail = (error: Error): void => asked?.reject(error)
  socket.setEncoding('utf8')
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the api closed a connection')))
  socket.on('data', (text: string) => {
    received += text
    const body = readBody(received)
    if (body === null) return
    received = ''
    asked?.resolve(body)
  })
  return {
    send: (body) => {
      asked = Promise.withResolvers<string>()
      socket.write(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`)
      return asked.promise
    },
  }
}

/** The body of a whole response with a content-length; null while some of it is to come. */
const readBody = (response: string): string | null => {
  const end = response.indexOf('\r\n\r\n')
  if (end === -1) return null
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(response.slice(0, end + 2))?.[1]
  if (length === undefined) throw new Error(`a response without a length: ${response.slice(0, end)}`)
  const body = response.slice(end + 4)
  return Buffer.byteLength(body) < Number(length) ? null : body
}
