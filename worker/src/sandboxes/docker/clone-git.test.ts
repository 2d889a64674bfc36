import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type GitServer, startGitServer } from '@longhaul/core/testing/git-server.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findBridgeGateway } from '../../../testing/find-bridge-gateway.ts'
import { readArchiveFile } from '../../workspace/read-archive-file.ts'
import { readManifest } from '../../workspace/read-manifest.ts'
import { GitCloneError } from '../git/git-source.ts'
import { DockerProvider } from './docker-provider.ts'
import { createDocker } from './engine.ts'

const image = process.env.SANDBOX_IMAGE ?? 'longhaul-sandbox:latest'
const docker = createDocker()
const never = new AbortController().signal

describe('cloning a repository', () => {
  let server: GitServer
  let gateway: string
  let commits: { head: string; side: string }

  beforeAll(async () => {
    gateway = await findBridgeGateway(docker)
    server = await startGitServer(['git.test', gateway])
    commits = await server.addRepository('project', { 'README.md': 'hello\n', 'src/deep/a.js': 'x\n' })
  })
  afterAll(() => server.stop())
  afterEach(async () => {
    expect(await provider().list()).toEqual([])
  })

  const provider = (git: { allowedPrivateHosts?: string[]; caFile?: string | null } = {}) =>
    new DockerProvider({
      docker,
      instance: `clone-${process.pid}`,
      git: {
        image,
        allowedPrivateHosts: ['git.test'],
        caFile: server.caFile,
        lookup: async () => [{ address: gateway, family: 4 }],
        ...git,
      },
    })
  const clone = async (
    commit: string,
    { path = '/project.git', ...git }: { path?: string; allowedPrivateHosts?: string[]; caFile?: string | null } = {},
    signal = never,
  ) =>
    buffer(await provider(git).cloneGit({ url: `https://git.test:${server.port}${path}`, commit, tenantId: 't', sessionId: 's' }, signal))
  const gone = async () => {
    while ((await provider().list()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50))
  }

  test('gives its files at the commit, at the address that was checked, and leaves nothing behind', async () => {
    const tar = await clone(commits.head)
    expect(String(await readArchiveFile(Readable.from([tar]), 'README.md', 100))).toBe('hello\n')
    const paths = (await readManifest(Readable.from([tar]))).map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['src/deep/a.js', '.git/HEAD']))
    const config = String(await readArchiveFile(Readable.from([tar]), '.git/config', 5_000))
    expect(config).toContain(`https://git.test:${server.port}/project.git`)
    expect(config).not.toMatch(/sslCAInfo|credential|resolve/i)
    await gone()
  })

  test("gives a commit that is no branch's tip", async () => {
    const tar = await clone(commits.side)
    expect(String(await readArchiveFile(Readable.from([tar]), '.git/HEAD', 100))).toBe('ref: refs/heads/main\n')
    await gone()
  })

  test('says what went wrong: no such repository, no such commit, an unknown authority', async () => {
    await expect(clone(commits.head, { path: '/none.git' })).rejects.toThrow(GitCloneError)
    await expect(clone('0'.repeat(40))).rejects.toThrow(GitCloneError)
    await expect(clone(commits.head, { caFile: null })).rejects.toThrow(GitCloneError)
  })

  test('refuses private addresses without making a container', async () => {
    const asked = server.requests.length
    await expect(clone(commits.head, { allowedPrivateHosts: [] })).rejects.toThrow('not on the public internet')
    expect(server.requests.length).toBe(asked)
  })

  test('follows no redirect', async () => {
    server.intercept.set('/moved.git/info/refs', (_request, response) =>
      response.writeHead(302, { location: `https://git.test:${server.port}/project.git/info/refs?service=git-upload-pack` }).end(),
    )
    const asked = server.requests.length
    await expect(clone(commits.head, { path: '/moved.git' })).rejects.toThrow(GitCloneError)
    expect(server.requests.slice(asked).filter((url) => url.startsWith('/project.git'))).toEqual([])
  })

  test('takes a url and a commit for nothing else', async () => {
    const source = { tenantId: 't', sessionId: 's' }
    await expect(provider().cloneGit({ ...source, url: '--upload-pack=touch /tmp/x', commit: commits.head }, never)).rejects.toThrow(
      'no https address',
    )
    await expect(
      provider().cloneGit({ ...source, url: `https://git.test:${server.port}/project.git`, commit: '--output=/tmp/x' }, never),
    ).rejects.toThrow('no full commit')
  })

  test('is given up when its signal aborts, and its container goes', async () => {
    server.intercept.set('/slow.git/info/refs', () => {})
    const stop = new AbortController()
    const running = clone(commits.head, { path: '/slow.git' }, stop.signal)
    const failed = expect(running).rejects.toThrow('stopped')
    while (!(await provider().list()).some(({ kind, running: is }) => kind === 'clone' && is))
      await new Promise((resolve) => setTimeout(resolve, 50))
    stop.abort(new Error('stopped'))
    await failed
  })
})
