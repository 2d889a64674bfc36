import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { limitArrival } from './limit-arrival.ts'
import { readBody } from './read-body.ts'

const app = fastify({ requestTimeout: 0 })
afterEach(() => app.close())

it('cuts off a body that does not arrive whole in time, and leaves files and long answers alone', async () => {
  limitArrival(app, 150)
  app.post('/slow', async () => 'arrived')
  app.get('/long', async () => {
    await new Promise((resolve) => setTimeout(resolve, 400))
    return 'answered'
  })
  app.addContentTypeParser('application/file', (_request, _payload, done) => done(null))
  app.put('/file', { config: { isFile: true } }, async (asked) => {
    let bytes = 0
    for await (const chunk of readBody(asked.raw)) bytes += (chunk as Buffer).length
    return `${bytes}`
  })
  await app.listen({ port: 0 })
  const { port } = app.server.address() as AddressInfo
  const send = async (method: string, path: string, type: string): Promise<string> => {
    const asked = request({ port, method, path, headers: { 'content-type': type, 'content-length': 2 } })
    asked.write('1')
    setTimeout(() => asked.end('2'), 400)
    const response = await Promise.race([once(asked, 'response'), once(asked, 'error')])
    const chunks: Buffer[] = []
    for await (const chunk of response[0]) chunks.push(chunk as Buffer)
    return String(Buffer.concat(chunks))
  }
  await expect(send('POST', '/slow', 'application/json')).rejects.toThrow(/hang up|ECONNRESET/)
  expect(await send('PUT', '/file', 'application/file')).toBe('2')
  expect(await (await fetch(`http://127.0.0.1:${port}/long`)).text()).toBe('answered')
})
