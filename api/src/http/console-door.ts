import { existsSync } from 'node:fs'
import path from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** The console loads nothing but its own files and talks to nobody but this api. What agents write can't become a script in it. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** Names of assets hold a digest of what is in them. The page that names them is asked for each time. */
const FOREVER = 'public, max-age=31536000, immutable'

const PLAIN_PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Longhaul</title>
<h1>Longhaul</h1>
<p>The api runs: GraphQL is at <code>/graphql</code>, over HTTP and WebSocket. The console is not built on this machine.</p>
</html>
`

/** Serves what web/ builds, or one plain page where it was not built. Any other path is the console's own. */
export const openConsoleDoor = async (app: FastifyInstance, webDir: string): Promise<void> => {
  app.addHook('onSend', async (_, reply) => {
    reply.headers(HEADERS)
  })
  const built = existsSync(path.join(webDir, 'index.html'))
  if (built) {
    await app.register(fastifyStatic, {
      root: webDir,
      index: 'index.html',
      wildcard: false,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply, file) => reply.header('cache-control', file.includes(`${path.sep}assets${path.sep}`) ? FOREVER : 'no-cache'),
    })
  }
  const page = (reply: FastifyReply) => (built ? reply.sendFile('index.html') : reply.type('text/html; charset=utf-8').send(PLAIN_PAGE))
  if (!built) app.get('/', (_, reply) => page(reply))
  app.setNotFoundHandler((request, reply) => {
    const wantsPage =
      request.method === 'GET' && request.headers.accept?.includes('text/html') && !path.extname(request.url.split('?')[0] ?? '')
    return wantsPage ? page(reply) : reply.code(404).type('text/plain; charset=utf-8').send('Not found.\n')
  })
}
