import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type GitServer = {
  port: number
  caFile: string
  /** Makes `<name>.git` with one commit, a branch `side`, and an annotated tag `v1`; answers the commits. */
  addRepository(name: string, files: Record<string, string>): Promise<{ head: string; side: string }>
  /** Answers these instead of git, by path. */
  intercept: Map<string, (request: IncomingMessage, response: ServerResponse) => void>
  requests: string[]
  stop(): Promise<void>
}

/** A git server over HTTPS with a certificate of its own authority: git's own http-backend behind Node's server. */
export const startGitServer = async (names: string[]): Promise<GitServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-git-'))
  const { key, cert, caFile } = await makeCertificate(folder, names)
  const intercept: GitServer['intercept'] = new Map()
  const requests: string[] = []
  const server = createServer({ key, cert }, (request, response) => {
    requests.push(request.url ?? '')
    const own = intercept.get((request.url ?? '').split('?')[0] ?? '')
    if (own) own(request, response)
    else serveGit(folder, request, response)
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    caFile,
    intercept,
    requests,
    addRepository: (name, files) => addRepository(folder, name, files),
    stop: () => stop(server, folder),
  }
}

const stop = async (server: Server, folder: string): Promise<void> => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true, force: true })
}

const makeCertificate = async (folder: string, names: string[]) => {
  const at = (name: string) => join(folder, name)
  const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',')
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=longhaul test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  ])
  await run('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=git', '-keyout', at('key.pem'), '-out', at('request.pem')])
  await writeFile(at('names'), `subjectAltName=${alternatives}`)
  await run('openssl', [
    'x509',
    '-req',
    '-days',
    '2',
    '-in',
    at('request.pem'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-extfile',
    at('names'),
    '-out',
    at('cert.pem'),
  ])
  return { key: await readFile(at('key.pem')), cert: await readFile(at('cert.pem')), caFile: at('ca.pem') }
}

const addRepository = async (folder: string, name: string, files: Record<string, string>) => {
  const work = join(folder, `${name}-work`)
  const identity = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
    GIT_CONFIG_GLOBAL: '/dev/null',
  }
  const git = async (...args: string[]) => (await run('git', ['-C', work, ...args], { env: { ...process.env, ...identity } })).stdout.trim()
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(work, path)), { recursive: true })
    await writeFile(join(work, path), content)
  }
  await git('init', '-q', '-b', 'trunk')
  await git('add', '-A')
  await git('commit', '-qm', 'first')
  const head = await git('rev-parse', 'HEAD')
  await git('tag', '-a', 'v1', '-m', 'one')
  await git('checkout', '-qb', 'side')
  await git('commit', '-q', '--allow-empty', '-m', 'second')
  const side = await git('rev-parse', 'HEAD')
  await git('checkout', '-q', 'trunk')
  await run('git', ['clone', '-q', '--bare', work, join(folder, `${name}.git`)])
  return { head, side }
}

/** Source: git-http-backend(1), CGI (RFC 3875). */
const serveGit = (folder: string, request: IncomingMessage, response: ServerResponse): void => {
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const env = {
    PATH: process.env['PATH'],
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: path,
    QUERY_STRING: query,
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
  }
  const backend = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  request.pipe(backend.stdin)
  const chunks: Buffer[] = []
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  backend.on('close', () => {
    const answer = Buffer.concat(chunks)
    const end = answer.indexOf('\r\n\r\n')
    const headers = answer
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string])
    const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200)
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
    response.end(answer.subarray(end + 4))
  })
}
