import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { toTextFrame } from './text-frame.ts'

/** What a client reads out of the frames, which are written to its connection as they are. */
const readFrames = async (frames: Buffer[]): Promise<string[]> => {
  const server = createServer().listen(0, '127.0.0.1')
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, stream, rest) =>
    sockets.handleUpgrade(request, stream, rest, (socket) => {
      for (const frame of frames) stream.write(frame)
      socket.close()
    }),
  )
  await once(server, 'listening')
  const texts: string[] = []
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.on('message', (data, isBinary) => texts.push(isBinary ? 'binary' : String(data)))
  await once(client, 'close')
  server.close()
  return texts
}

it('is read by a WebSocket client at each of the three ways to say a length, one frame after the other', async () => {
  const head = Buffer.from('{"id":"ü","payload":')
  const sizes = [0, 125 - head.length - 1, 126 - head.length - 1, 65_535 - head.length - 1, 65_536 - head.length - 1, 200_000]
  const payloads = sizes.map((size) => 'x'.repeat(size))
  const texts = await readFrames(payloads.map((payload) => toTextFrame(head, Buffer.from(payload))))
  expect(texts).toEqual(payloads.map((payload) => `${head}${payload}}`))
})

it('keeps text that is not ASCII', async () => {
  expect(await readFrames([toTextFrame(Buffer.from('{"payload":'), Buffer.from('"日本 🙂"'))])).toEqual(['{"payload":"日本 🙂"}'])
})
