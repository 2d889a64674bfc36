import { randomUUID } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { SandboxImageError } from '../sandbox.ts'
import type { SetUpEnd, SetUpSpec } from '../set-ups.ts'
import { DockerProvider } from './docker-provider.ts'
import { createDocker } from './engine.ts'

const docker = createDocker()
const git = { image: process.env['SANDBOX_IMAGE'] ?? '', allowedPrivateHosts: [], caFile: null }
const provider = new DockerProvider({ docker, git, instance: `set-ups-${process.pid}` })
const { setUps } = provider
const never = new AbortController().signal
const base = await setUps.resolve(git.image, never)

afterAll(async () => {
  for (const { id } of await provider.list()) await provider.removeById(id)
  for (const { key } of await setUps.list()) await setUps.remove(key)
})

const build = async (script: string, more: Partial<SetUpSpec> = {}): Promise<SetUpEnd & { output: string; key: string }> => {
  const key = setUps.keyOf({ tenantId: 'tnt_a', baseImageId: base, network: 'NONE', script: script + randomUUID() })
  const buildId = `bld_${randomUUID().replaceAll('-', '')}`
  let output = ''
  const end = await setUps.build(
    { tenantId: 'tnt_a', buildId, key, baseImageId: base, script, cpus: 1, memoryMb: 256, diskMb: 64, timeoutMs: 30_000, ...more },
    { signal: never, onOutput: (bytes) => (output += bytes), onRan: () => {} },
  )
  // Whatever became of it, its container is gone.
  expect(await provider.list()).toEqual([])
  return { ...end, output, key }
}
const check = async (setUpImageId: string, run: string, tenantId = 'tnt_a') => {
  const size = { cpus: 1, memoryMb: 256, diskMb: 64, timeoutMs: 20_000, maxOutputBytes: 4_000 }
  const workspace = async () => (await import('node:stream')).Readable.from([Buffer.alloc(1024)])
  return provider.check({ tenantId, sessionId: 'ses_a', image: 'no-such-image', setUpImageId, ...size, workspace, run }, never)
}

test('a script that ends well is an image of what it has written, for its tenant and its key alone', { timeout: 60_000 }, async () => {
  const { imageId, key, output } = await build(
    'echo hello; id -u; chown 10001 /opt\nprintf "#!/bin/sh\\necho mine\\n" >/usr/local/bin/tool\nchmod +x /usr/local/bin/tool',
  )
  expect(output).toBe('hello\n0\n')
  expect(await setUps.list()).toEqual([{ key, tenantId: 'tnt_a', imageId }])
  expect(await setUps.find({ tenantId: 'tnt_a', key })).toBe(imageId)
  expect(await setUps.find({ tenantId: 'tnt_b', key })).toBeNull()
  // In it, a command is as everywhere: without root, and with the agent's environment.
  const checked = await check(imageId ?? '', 'tool; id -u; echo $HOME $DEBIAN_FRONTEND; ls -ld /workspace | cut -c1-10; ls /workspace')
  expect(checked).toMatchObject({ exitCode: 0, output: 'mine\n10001\n/home/agent\ndrwxr-xr-x\n' })
  // Its name is nobody's to use, and no other tenant is given it.
  expect(await check(imageId ?? '', 'tool', 'tnt_b')).toMatchObject({ completed: false, output: '' })
  await expect(setUps.resolve(`longhaul-setup:${key}`, never)).rejects.toThrow(SandboxImageError)
  await setUps.remove(key)
  expect(await setUps.has(imageId ?? '')).toBe(false)
})

test.each([
  ['echo one\necho two\nnosuch x\necho four', 3, 127, /failed at line 3/, /one\ntwo\n.*not found/],
  ['f() {\n  exit 4\n}\nf', 2, 4, /failed at line 2: it exited with 4/, /line 2/],
  ['set -u\necho $nope', 2, 1, /failed at line 2/, /unbound variable/],
  ['if true; then\n  echo "open\n', 2, 2, /failed at line 2/, /unexpected EOF/],
  ['touch /workspace/x', 1, 1, /failed at line 1/, /Read-only file system/],
  ['true\nwget -q -T 1 http://1.1.1.1 || ping -c1 1.1.1.1 || exec 3<>/dev/tcp/1.1.1.1/80', 2, 1, /failed at line 2/, /unreachable/],
  ['mount -t tmpfs none /mnt', 1, 1, /failed at line 1/, /permission denied/],
])('the script %j is said to fail at its line %i', { timeout: 60_000 }, async (script, failedLine, exitCode, problem, output) => {
  const end = await build(script)
  expect(end).toMatchObject({ imageId: null, failedLine, problem: expect.stringMatching(problem), output: expect.stringMatching(output) })
  if ('exitCode' in end && failedLine !== 1) expect(end.exitCode).toBe(exitCode)
})

test('a script that hangs, forks without end, fills the disk, or takes all memory ends as what it is', { timeout: 120_000 }, async () => {
  expect(await build('echo begun; sleep 600', { timeoutMs: 1_500 })).toMatchObject({
    problem: 'The set-up script did not end within 2 seconds.',
    output: 'begun\n',
  })
  expect(await build('bomb() { bomb | bomb & }\nbomb\nsleep 1; sleep 600', { timeoutMs: 4_000 })).toMatchObject({ imageId: null })
  expect(await build('for i in 1 2 3 4; do head -c 30000000 /dev/zero >/f$i; done')).toMatchObject({
    problem: 'The set-up script wrote more than 64 MB.',
  })
  expect(await build('head -c 200000000 /dev/zero >/f')).toMatchObject({ imageId: null, failedLine: 1 })
  expect(await build('x=$(head -c 400000000 /dev/zero | tr "\\0" x)\necho $x | wc -c', { memoryMb: 64 })).toMatchObject({
    problem: expect.stringMatching(/^The set-up script ran out of memory.*: it may have 64 MB\.$/),
  })
})

test('what is printed without end is passed on as it comes, and the end of it still tells the line', { timeout: 60_000 }, async () => {
  const started = performance.now()
  const { output, ...end } = await build('true\nhead -c 100000000 /dev/zero | tr "\\0" "x"; echo\nfalse')
  expect(end).toMatchObject({ failedLine: 3 })
  expect(output.length).toBeGreaterThan(100_000_000)
  expect(performance.now() - started).toBeLessThan(50_000)
})

test('a build that is begun again ends what the earlier one left running', { timeout: 60_000 }, async () => {
  const buildId = `bld_${randomUUID().replaceAll('-', '')}`
  const spec = { tenantId: 'tnt_a', key: 'k', baseImageId: base, cpus: 1, memoryMb: 256, diskMb: 64, timeoutMs: 60_000, buildId }
  const begun = Promise.withResolvers<void>()
  const first = setUps.build(
    { ...spec, script: 'echo begun; sleep 600' },
    { signal: never, onOutput: () => begun.resolve(), onRan: () => {} },
  )
  await begun.promise
  const key = setUps.keyOf({ tenantId: 'tnt_a', baseImageId: base, network: 'NONE', script: randomUUID() })
  const second = await setUps.build({ ...spec, key, script: 'true' }, { signal: never, onOutput: () => {}, onRan: () => {} })
  expect(second.imageId).toMatch(/^sha256:/)
  await expect(first.then(({ imageId }) => imageId ?? Promise.reject(new Error('no image')))).rejects.toThrow()
})
