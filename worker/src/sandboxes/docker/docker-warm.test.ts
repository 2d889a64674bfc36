import { randomUUID } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { type Sandbox, SandboxImageError, type SandboxSpec, StaleEpochError } from '../sandbox.ts'
import type { WarmKind } from '../warm-sandboxes.ts'
import { containerNameOf } from './create-sandbox.ts'
import { DockerProvider } from './docker-provider.ts'
import { createDocker } from './engine.ts'

const docker = createDocker()
const git = { image: process.env['SANDBOX_IMAGE'] ?? '', allowedPrivateHosts: [], caFile: null }
const provider = new DockerProvider({ docker, git, instance: `warm-${process.pid}` })
const never = new AbortController().signal
const size = { cpus: 1, memoryMb: 256, diskMb: 512 }
const opened: Sandbox[] = []

afterEach(async () => {
  for (const sandbox of opened.splice(0)) await sandbox.detach()
  for (const { id } of provider.warm.waiting()) await provider.warm.discard(id)
  for (const { id } of await provider.list()) await provider.removeById(id)
})

const newSpec = (): SandboxSpec => ({
  tenantId: 'ten_test',
  sessionId: `ses_${randomUUID().replaceAll('-', '')}`,
  image: git.image,
  ...size,
})
const kindOf = async (): Promise<WarmKind> => ({ imageId: (await docker.getImage(git.image).inspect()).Id, ...size })
const open = async (spec: SandboxSpec, { epoch = 1, filledId = null }: { epoch?: number; filledId?: string | null } = {}) => {
  const result = await provider.open(spec, { epoch, filledId, signal: never })
  opened.push(result.sandbox)
  return result
}
let callNo = 0
const run = async (sandbox: Sandbox, script: string) =>
  (await sandbox.run({ callNo: ++callNo, script, timeoutMs: 20_000, maxOutputBytes: 10_000 }, never)).output
const warmId = () => provider.warm.waiting()[0]?.id ?? ''

test("one made ahead is frozen and nobody's; a session that begins gets it, as it would have got a new one", async () => {
  const fresh = await open(newSpec())
  await provider.warm.make(await kindOf(), 'wrk_a')
  const id = warmId()
  const listed = async () => (await provider.list()).find((one) => one.id === id)
  expect(await listed()).toMatchObject({ kind: 'warm', sessionId: '', tenantId: '', workerId: 'wrk_a', running: false, paused: true })

  const spec = newSpec()
  const { sandbox, fresh: isFresh, madeFrom } = await open(spec, { epoch: 7 })
  expect([sandbox.id, isFresh, madeFrom]).toEqual([id, true, fresh.madeFrom])
  expect(await listed()).toMatchObject({ kind: 'sandbox', sessionId: spec.sessionId, workerId: null, running: true })
  const look =
    'pwd; id; env | grep -v ^PWD | sort; hostname; ls -la ~ . /run/longhaul | grep -v "total\\|\\.\\.$" | sed "s/[A-Z][a-z][a-z] .* //"; ulimit -a'
  expect(await run(sandbox, look)).toBe(await run(fresh.sandbox, look))
  const strip = ({ HostConfig, Config }: Awaited<ReturnType<ReturnType<typeof docker.getContainer>['inspect']>>) => ({
    HostConfig,
    ...Config,
    Cmd: Config.Cmd.slice(0, -1), // the last is the sandbox's own mark
    Labels: null,
  })
  const [mine, its] = await Promise.all([fresh.sandbox.id, id].map((one) => docker.getContainer(one).inspect()))
  expect(its && strip(its)).toEqual(mine && strip(mine))

  // Used once: the next session gets another, this one's next claimant the same.
  expect((await open(newSpec())).sandbox.id).not.toBe(id)
  await expect(open(spec, { epoch: 6, filledId: id })).rejects.toThrow(StaleEpochError)
  expect((await open(spec, { epoch: 8, filledId: id })).sandbox.id).toBe(id)
}, 30_000)

test('a session gets none of another size or image', async () => {
  await provider.warm.make(await kindOf(), 'wrk_a')
  const id = warmId()
  expect((await open({ ...newSpec(), memoryMb: 512 })).sandbox.id).not.toBe(id)
  expect(provider.warm.waiting()).toHaveLength(1)
}, 30_000)

test("one that holds a tenant's set-up is given to no other tenant, whatever name of the image it knows", async () => {
  const repo = `warm-set-up-${process.pid}`
  const made = await docker.createContainer({ Image: git.image, Cmd: ['true'] })
  const Labels = { 'longhaul.kind': 'setup', 'longhaul.tenant': 'ten_a', 'longhaul.session': 'ses_builder' }
  const { Id: imageId } = (await made.commit({ _query: { container: made.id, repo }, _body: { Labels } })) as { Id: string }
  await made.remove()
  try {
    await provider.warm.make({ imageId, ...size }, 'wrk_a')
    const id = warmId()
    expect(await provider.list()).toMatchObject([{ id, kind: 'warm', tenantId: '', sessionId: '' }])
    const openAs = async (tenantId: string, rest: { image?: string; setUp?: string }) => {
      const spec = { ...newSpec(), tenantId, image: rest.image ?? git.image }
      const result = await provider.open(spec, { epoch: 1, filledId: null, signal: never, findSetUp: async () => rest.setUp ?? null })
      opened.push(result.sandbox)
      return result.sandbox.id
    }
    await expect(openAs('ten_b', { setUp: imageId })).rejects.toThrow(SandboxImageError)
    for (const image of [imageId, repo]) await expect(openAs('ten_b', { image })).rejects.toThrow(SandboxImageError)
    expect(await openAs('ten_a', { setUp: imageId })).toBe(id)
  } finally {
    for (const { id } of await provider.list()) await provider.removeById(id)
    await docker.getImage(repo).remove()
  }
}, 30_000)

test('of two sessions that begin at once exactly one gets the last', async () => {
  await provider.warm.make(await kindOf(), 'wrk_a')
  const id = warmId()
  const both = await Promise.all([open(newSpec()), open(newSpec())])
  expect(both.filter(({ sandbox }) => sandbox.id === id)).toHaveLength(1)
  expect(await Promise.all(both.map(({ sandbox }) => run(sandbox, 'echo here')))).toEqual(['here\n', 'here\n'])
}, 30_000)

test('what another has thawed is given to nobody here, and left alone', async () => {
  await provider.warm.make(await kindOf(), 'wrk_a')
  const id = warmId()
  await docker.getContainer(id).unpause()
  expect((await open(newSpec())).sandbox.id).not.toBe(id)
  expect([provider.warm.holds(id), (await docker.getContainer(id).inspect()).State.Running]).toEqual([false, true])
}, 30_000)

test('one that was removed, stopped or cut off behind our back costs the session nothing', async () => {
  const kind = await kindOf()
  for (let made = 0; made < 3; made++) await provider.warm.make(kind, 'wrk_a')
  const [removed, stopped, last] = provider.warm.waiting().map(({ id }) => id)
  await docker.getContainer(removed ?? '').remove({ force: true })
  await docker.getContainer(stopped ?? '').stop({ t: 0 })
  const { sandbox } = await open(newSpec())
  expect(sandbox.id).toBe(last)
  expect(await run(sandbox, 'echo here')).toBe('here\n')
}, 30_000)

test('an older claimant neither takes nor removes what was made ahead for a newer one; a later one starts over', async () => {
  await provider.warm.make(await kindOf(), 'wrk_a')
  const spec = newSpec()
  const { sandbox } = await open(spec, { epoch: 5 })
  await expect(open(spec, { epoch: 4 })).rejects.toThrow(StaleEpochError)
  expect(await run(sandbox, 'echo half >half; ls')).toBe('half\n')
  const later = await open(spec, { epoch: 6 })
  expect([later.fresh, later.sandbox.id === sandbox.id]).toEqual([true, false])
  expect(await run(later.sandbox, 'ls')).toBe('')
}, 30_000)

test("where another container has the session's name, it is used up, and the session gets what it should", async () => {
  await provider.warm.make(await kindOf(), 'wrk_a')
  const id = warmId()
  const spec = newSpec()
  const claimed = await provider.warm.claim(await kindOf(), { name: containerNameOf(spec.sessionId), epoch: 1 })
  expect(claimed !== null && claimed !== 'taken' && claimed.id).toBe(id)
  await provider.warm.make(await kindOf(), 'wrk_a')
  expect(await provider.warm.claim(await kindOf(), { name: containerNameOf(spec.sessionId), epoch: 1 })).toBe('taken')
  expect(provider.warm.waiting()).toEqual([])
  // To discard one that has become a session's does nothing.
  await provider.warm.discard(id)
  expect((await provider.list()).map((one) => [one.id, one.kind])).toEqual([[id, 'sandbox']])
  if (claimed !== null && claimed !== 'taken') await claimed.detach()
}, 30_000)

test('it can be kept as an image like any other, and what is made from that is no longer one made ahead', async () => {
  await provider.warm.make(await kindOf(), 'wrk_a')
  const spec = newSpec()
  const { sandbox } = await open(spec)
  await run(sandbox, 'echo mine >n')
  const checkpointId = `ckp_${randomUUID().replaceAll('-', '')}`
  const saved = await provider.images.save({ ...spec, checkpointId, sandboxId: sandbox.id })
  await provider.remove(spec.sessionId)
  const again = await provider.open(spec, { epoch: 2, filledId: null, signal: never, findImage: async () => saved?.imageId ?? null })
  opened.push(again.sandbox)
  expect(await provider.list()).toMatchObject([{ kind: 'sandbox', sessionId: spec.sessionId, tenantId: spec.tenantId, workerId: null }])
  expect(await run(again.sandbox, 'cat n')).toBe('mine\n')
  await again.sandbox.detach()
  await provider.remove(spec.sessionId)
  await provider.images.remove(checkpointId)
}, 30_000)
