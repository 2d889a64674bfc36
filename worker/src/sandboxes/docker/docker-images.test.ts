import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { SandboxImageError, type SandboxSpec } from '../sandbox.ts'
import { DockerProvider } from './docker-provider.ts'
import { createDocker } from './engine.ts'

const docker = createDocker()
const git = { image: process.env['SANDBOX_IMAGE'] ?? '', allowedPrivateHosts: [], caFile: null }
const instance = `images-${process.pid}`
const provider = new DockerProvider({ docker, git, instance })
const never = new AbortController().signal
let epoch = 0

afterAll(async () => {
  for (const { id } of await provider.list()) await provider.removeById(id)
  for (const { checkpointId } of await provider.images.list()) await provider.images.remove(checkpointId)
  await provider.images.removeUnnamed(0)
})

const newSpec = (): SandboxSpec => ({
  tenantId: 'ten_test',
  sessionId: `ses_${randomUUID().replaceAll('-', '')}`,
  image: git.image,
  cpus: 1,
  memoryMb: 256,
  diskMb: 512,
})
const open = async (spec: SandboxSpec, imageId: string | null = null) =>
  (await provider.open(spec, { epoch: ++epoch, filledId: null, signal: never, findImage: async () => imageId })).sandbox
const ownerOf = (spec: SandboxSpec) => ({ ...spec, checkpointId: `ckp_${randomUUID().replaceAll('-', '')}` })
const bash = async (sandbox: Awaited<ReturnType<typeof open>>, callNo: number, script: string): Promise<string> =>
  (await sandbox.run({ callNo, script, timeoutMs: 20_000, maxOutputBytes: 1_000 }, never)).output

test('what is saved is whole, stays as it was while its sandbox goes on, and another session begins with it under its own epoch', {
  timeout: 60_000,
}, async () => {
  const [parent, child] = [newSpec(), newSpec()]
  epoch = 40
  const sandbox = await open(parent)
  await bash(sandbox, 1, 'echo 1 >a; echo tool >~/tool; chmod 700 ~/tool; echo secret >/tmp/t; (while :; do date +%N >>busy; done) & true')
  const saved = await provider.images.save({ ...ownerOf(parent), sandboxId: sandbox.id })
  expect(await bash(sandbox, 2, 'echo 2 >a; cat a')).toBe('2\n')

  epoch = 0
  const fork = await open(child, saved?.imageId ?? null)
  // A call's number that the parent used, and one that it used after it was saved.
  expect(await fork.inspectCall({ callNo: 2, maxOutputBytes: 100 })).toEqual({ state: 'never' })
  expect(await bash(fork, 2, 'cat a ~/tool /tmp/t; stat -c %a ~/tool; ls /proc | grep -c "^[0-9]"')).toMatch(
    /^1\ntool\nsecret\n700\n\d+\n$/,
  )
  expect(await bash(sandbox, 3, 'cat a')).toBe('2\n')
  const tar = await provider.images.read(saved?.imageId ?? '', { ...parent, path: '/workspace/a' })
  expect(tar === null ? null : await text(tar)).toContain('1\n')
  expect(await provider.images.read(saved?.imageId ?? '', { ...parent, path: '/workspace/none' })).toBeNull()
})

test("what is saved is nobody's to name: no environment starts from it by tag or content, and no other tenant is given it", {
  timeout: 60_000,
}, async () => {
  const spec = newSpec()
  const sandbox = await open(spec)
  await bash(sandbox, 1, 'echo mine >secret')
  const owner = { ...ownerOf(spec), sandboxId: sandbox.id }
  const { imageId } = (await provider.images.save(owner)) ?? { imageId: '' }
  const stranger = { ...newSpec(), tenantId: 'ten_stranger' }
  const tag = `longhaul-checkpoint:${owner.checkpointId}`
  for (const image of [tag, `docker.io/library/${tag}`, imageId, imageId.slice('sha256:'.length, 'sha256:'.length + 12)]) {
    await expect(open({ ...stranger, image })).rejects.toThrow(SandboxImageError)
    const check = { ...stranger, image, setUpImageId: null, run: 'cat secret', timeoutMs: 5_000, maxOutputBytes: 100 }
    expect(await provider.check({ ...check, workspace: async () => Readable.from([]) }, never)).toMatchObject({
      completed: false,
      output: '',
    })
  }
  await expect(open(stranger, imageId)).rejects.toThrow(SandboxImageError)
  await expect(provider.images.read(imageId, { ...stranger, path: '/workspace' })).rejects.toThrow(SandboxImageError)
  await expect(open(spec, git.image)).rejects.toThrow(SandboxImageError)
})

test('a session without a sandbox, or with another than the one that is meant, has nothing to save; an image that was let go of is gone', {
  timeout: 60_000,
}, async () => {
  const spec = newSpec()
  const { id: sandboxId } = await open(spec)
  expect(await provider.images.save({ ...ownerOf(newSpec()), sandboxId })).toBeNull()
  expect(await provider.images.save({ ...ownerOf(spec), sandboxId: 'one that is gone' })).toBeNull()
  const owner = { ...ownerOf(spec), sandboxId }
  const saved = await provider.images.save(owner)
  expect(await provider.images.has(saved?.imageId ?? '')).toBe(true)
  expect((await provider.images.list()).map(({ checkpointId }) => checkpointId)).toContain(owner.checkpointId)
  await provider.images.remove(owner.checkpointId)
  await provider.images.remove(owner.checkpointId)
  expect(await provider.images.has(saved?.imageId ?? '')).toBe(false)
})

test('a chain of layers that grows too deep becomes one layer, with all that was in it; either way what is frozen stays so', {
  timeout: 120_000,
}, async () => {
  const layersOf = async (imageId: string) => (await docker.getImage(imageId).inspect()).RootFS.Layers?.length ?? 0
  const shallow = new DockerProvider({ docker, git, instance, maxLayers: (await layersOf(git.image)) + 2 })
  const spec = newSpec()
  let imageId: string | null = null
  const layers: number[] = []
  for (const name of ['a', 'b', 'c']) {
    const sandbox = await open(spec, imageId)
    await bash(sandbox, ++epoch, `echo ${name} >${name}; echo tool >~/tool; chmod 700 ~/tool`)
    await provider.pause(spec.sessionId)
    imageId = (await shallow.images.save({ ...ownerOf(spec), sandboxId: sandbox.id }))?.imageId ?? ''
    layers.push(await layersOf(imageId))
    expect((await provider.list()).find(({ sessionId }) => sessionId === spec.sessionId)?.paused).toBe(true)
    await provider.remove(spec.sessionId)
  }
  expect(layers).toEqual([layers[0], (layers[0] ?? 0) + 1, 1])
  const again = await open(spec, imageId)
  expect(await bash(again, ++epoch, 'cat a b c ~/tool; stat -c "%a %u" ~/tool; id -u; echo $HOME')).toBe(
    'a\nb\nc\ntool\n700 10001\n10001\n/home/agent\n',
  )
})
