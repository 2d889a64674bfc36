import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { describeSandboxes } from '../sandbox.contract.ts'
import { type Sandbox, SandboxImageError, SandboxLostError, type SandboxSpec, SandboxUnavailableError } from '../sandbox.ts'
import { containerNameOf } from './create-sandbox.ts'
import { DockerProvider } from './docker-provider.ts'
import { createDocker } from './engine.ts'
import { listProcesses } from './list-processes.ts'

const image = process.env.SANDBOX_IMAGE ?? 'longhaul-sandbox:latest'
const docker = createDocker()
const git = { allowedPrivateHosts: [], caFile: null, image }
const never = new AbortController().signal

describeSandboxes('docker', { image, open: async () => new DockerProvider({ docker, git, instance: `contract-${process.pid}` }) })

describe('a Docker sandbox', () => {
  const instance = `test-${process.pid}`
  const provider = new DockerProvider({ docker, git, instance })
  let sandbox: Sandbox
  let spec: SandboxSpec
  let callNo = 0
  const run = (script: string, timeoutMs = 15_000) => sandbox.run({ callNo: ++callNo, script, timeoutMs, maxOutputBytes: 10_000 }, never)

  beforeAll(async () => {
    spec = { tenantId: 'ten_test', sessionId: `ses_${randomUUID().replaceAll('-', '')}`, image, cpus: 1, memoryMb: 256, diskMb: 512 }
    sandbox = (await provider.open(spec, { epoch: 1, filledId: null, signal: never })).sandbox
  })
  afterEach(async () => {
    expect((await run('echo usable')).output).toBe('usable\n')
  })
  afterAll(async () => {
    await sandbox.detach()
    for (const { id } of await provider.list()) await provider.removeById(id)
  })

  test('has no privilege, no network, nothing of the host, and limits', async () => {
    const { HostConfig, Config, Mounts, NetworkSettings } = await docker.getContainer(containerNameOf(spec.sessionId)).inspect()
    expect(HostConfig).toMatchObject({
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      Init: true,
      PidsLimit: 512,
      Memory: 256 * 2 ** 20,
      MemorySwap: 256 * 2 ** 20,
      NanoCpus: 1e9,
      LogConfig: { Type: 'none' },
      PidMode: '',
      IpcMode: 'private',
    })
    expect(HostConfig.CapAdd ?? []).toEqual([])
    expect([Mounts, HostConfig.Binds ?? [], Object.keys(NetworkSettings.Networks)]).toEqual([[], [], ['none']])
    expect(Config.User).toBe('10001:10001')
    expect(Config.Labels).toMatchObject({
      'longhaul.session': spec.sessionId,
      'longhaul.tenant': 'ten_test',
      'longhaul.kind': 'sandbox',
      'longhaul.instance': instance,
    })
  })

  test('of a process that names itself at length, little reaches whoever asks what runs', async () => {
    await run('(exec sh -c "sleep 60; :" "$(head -c 100000 /dev/zero | tr "\\0" x)") >/dev/null 2>&1 &')
    const listed = await listProcesses(docker.getContainer(containerNameOf(spec.sessionId)), never)
    expect(listed.some(({ args }) => args.startsWith('sh -c sleep 60'))).toBe(true)
    for (const { args } of listed) expect(args.length).toBeLessThan(120)
    expect(await provider.hasProcesses(spec.sessionId)).toBe(true)
    await run('pkill sleep')
  })

  test('what it has is what the inside sees', async () => {
    const { output } = await run(
      'id -u; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; ls /sys/class/net; ls /var/run/docker.sock 2>&1; ulimit -n',
    )
    expect(output).toMatch(/^10001\n/)
    expect(output).toMatch(/CapEff:\t0+\n/)
    expect(output).toMatch(/CapBnd:\t0+\n/)
    expect(output).toMatch(/NoNewPrivs:\t1\n/)
    expect(output).toMatch(/Seccomp:\t2\n/)
    expect(output).toMatch(/\nlo\n/)
    expect(output).toMatch(/cannot access/)
    expect(output).toMatch(/4096\n$/)
  })

  test.each(['169.254.169.254 80', '172.17.0.1 22', '127.0.0.1 5432', '10.0.0.1 443', '8.8.8.8 53'])(
    'reaches nothing at %s',
    async (target) => {
      const [host, port] = target.split(' ')
      expect((await run(`python3 -c "import socket; socket.create_connection(('${host}', ${port}), 2)" 2>&1 | tail -1`)).output).toMatch(
        /unreachable|refused|timed out/i,
      )
    },
  )

  test('the environment holds nothing but what we set', async () => {
    const names = (await run('env')).output.split('\n').flatMap((line) => (line.includes('=') ? [line.split('=')[0]] : []))
    expect(names.sort()).toEqual(['HOME', 'HOSTNAME', 'LANG', 'PATH', 'PIP_BREAK_SYSTEM_PACKAGES', 'PWD', 'USER', 'WORKSPACE'])
  })

  test('running out of memory ends the command with 137', async () => {
    expect(await run('python3 -c "b = bytearray(1000000000)"')).toMatchObject({ exitCode: 137 })
  })

  test('a fork bomb ends at its timeout', async () => {
    expect(await run('b() { b | b & }; b; sleep 10', 1_500)).toMatchObject({ timedOut: true })
  })

  test('a bomb of processes that leave their group ends with the sandbox restarted, files kept', async () => {
    await run('echo kept >kept')
    expect((await run('b() { setsid sh -c "sleep 60" & }; while :; do b; done', 1_500)).exitCode).not.toBe(0)
    expect((await run('cat kept')).output).toBe('kept\n')
  })

  test('no single file outgrows the disk', async () => {
    const { exitCode, output } = await run('head -c 700000000 /dev/zero >big; echo $?; wc -c <big; rm big')
    expect(exitCode).toBe(0)
    expect(Number(output.trim().split('\n').at(-1))).toBeLessThanOrEqual(512 * 2 ** 20)
  })

  test("the agent can't take the runner's folder away, and what it does in it loses the session nothing but calls' results", async () => {
    await run('echo kept >own; rm -rf /run/longhaul; mv /run/longhaul /run/x; true')
    await sandbox.detach()
    const again = await provider.open(spec, { epoch: 2, filledId: sandbox.id, signal: never })
    sandbox = again.sandbox
    expect(again.fresh).toBe(false)
    expect((await run('cat own')).output).toBe('kept\n')
  })

  test("an agent that forges the runner's words deceives only itself", async () => {
    const { exitCode } = await run(
      `for p in /proc/[0-9]*; do for line in "garbage" "0 ${callNo + 1} done 0" "1 999999 stale 0" "${'x'.repeat(20_000)}"; do echo "$line" >$p/fd/1 2>/dev/null; echo "$line" >$p/fd/3; done; done 2>/dev/null; exit 9`,
    )
    expect([0, 9]).toContain(exitCode)
  })

  test('a call whose result the agent has replaced ends at its timeout all the same, and keeps the next from nothing', async () => {
    const files = `/run/longhaul/calls/${callNo + 1}`
    const { timedOut, exitCode } = await run(
      `while [ ! -s ${files}.pid ]; do :; done; head -c 50000000 /dev/zero | tr '\\0' 1 >${files}.exit; sleep 30`,
      1_000,
    )
    expect({ timedOut, exitCode }).toEqual({ timedOut: true, exitCode: 137 })
  })

  test('a call goes on when the worker that started it is killed, and its result is collected', async () => {
    const held = ++callNo
    const script = `echo begun; sleep 1; echo ended; exit 6`
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, 'testing', 'run-held-call.ts'),
        JSON.stringify({ spec, instance, epoch: 3, filledId: sandbox.id, callNo: held, script, git }),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await sandbox.detach()
    sandbox = (await provider.open(spec, { epoch: 4, filledId: sandbox.id, signal: never })).sandbox
    expect(await sandbox.awaitCall({ callNo: held, timeoutMs: 10_000, maxOutputBytes: 1_000 }, never)).toMatchObject({
      output: 'begun\nended\n',
      exitCode: 6,
    })
  })

  test('one paused behind our back goes on when it is opened', async () => {
    await sandbox.detach()
    await docker.getContainer(containerNameOf(spec.sessionId)).pause()
    sandbox = (await provider.open(spec, { epoch: 5, filledId: sandbox.id, signal: never })).sandbox
  })

  test('one stopped behind our back is started again under an open call, which says so', async () => {
    const running = run('echo x; sleep 20')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await docker.getContainer(containerNameOf(spec.sessionId)).stop({ t: 0 })
    expect(await running).toMatchObject({ restarted: true, exitCode: 137 })
  })
})

test('a call that fills the disk is stopped and told so, and the next may delete', { timeout: 60_000 }, async () => {
  const provider = new DockerProvider({ docker, git, instance: `disk-${process.pid}`, diskCheckMs: 500 })
  const spec = { tenantId: 't', sessionId: `ses_${randomUUID()}`, image, cpus: 1, memoryMb: 256, diskMb: 100 }
  const { sandbox } = await provider.open(spec, { epoch: 1, filledId: null, signal: never })
  const run = (callNo: number, script: string) => sandbox.run({ callNo, script, timeoutMs: 20_000, maxOutputBytes: 1_000 }, never)
  expect(await run(1, 'head -c 80000000 /dev/zero >a; head -c 60000000 /dev/zero >b; sleep 15')).toMatchObject({
    exitCode: 137,
    output: expect.stringContaining('disk is full'),
  })
  expect(await run(2, 'rm a b; sleep 1.5; echo ok')).toMatchObject({ output: 'ok\n', exitCode: 0 })
  // What has left the call's group goes on filling.
  await run(3, "setsid sh -c 'for i in 1 2 3; do head -c 90000000 /dev/zero >$i; done; sleep 30' & wait").catch(() => {})
  let ended: unknown = null
  for (let callNo = 4; ended === null; callNo++) await run(callNo, 'sleep 2').catch((error: unknown) => (ended = error))
  expect(ended).toBeInstanceOf(SandboxLostError)
  await sandbox.detach()
  while ((await provider.list()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50))
})

describe('without its engine', () => {
  const spec = { tenantId: 't', sessionId: 'ses_x', image, cpus: 1, memoryMb: 256, diskMb: 512 }

  test("nothing runs, and every answer is that the engine can't be reached", async () => {
    const provider = new DockerProvider({ docker: createDocker(`unix://${join(tmpdir(), 'no-such-engine.sock')}`), git, instance: 'none' })
    await expect(provider.engineId()).rejects.toThrow(SandboxUnavailableError)
    await expect(provider.open(spec, { epoch: 1, filledId: null, signal: never })).rejects.toThrow(SandboxUnavailableError)
    await expect(provider.list()).rejects.toThrow(SandboxUnavailableError)
    const check = {
      ...spec,
      setUpImageId: null,
      workspace: async () => Readable.from([]),
      run: 'echo on the host',
      timeoutMs: 1_000,
      maxOutputBytes: 100,
    }
    expect(await provider.check(check, never)).toMatchObject({ completed: false, exitCode: null, output: '' })
  })

  test('one that accepts and never answers is given up in bounded time', { timeout: 40_000 }, async () => {
    const path = join(tmpdir(), `silent-engine-${process.pid}.sock`)
    const silent = createServer(() => {}).listen(path)
    await once(silent, 'listening')
    const startedAt = performance.now()
    await expect(
      new DockerProvider({ docker: createDocker(`unix://${path}`), git, instance: 'none' }).open(spec, {
        epoch: 1,
        filledId: null,
        signal: never,
      }),
    ).rejects.toThrow(SandboxUnavailableError)
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    silent.close()
  })
})

test("a session whose image the engine can't get is told so", { timeout: 60_000 }, async () => {
  const provider = new DockerProvider({ docker, git, instance: 'none' })
  const spec = {
    tenantId: 't',
    sessionId: `ses_${randomUUID()}`,
    image: 'longhaul-sandbox:never-built',
    cpus: 1,
    memoryMb: 256,
    diskMb: 512,
  }
  await expect(provider.open(spec, { epoch: 1, filledId: null, signal: never })).rejects.toThrow(SandboxImageError)
})

test("an image without the runner's folders gets them", async () => {
  const stripping = await docker.createContainer({
    Image: image,
    User: '0',
    Cmd: ['rm', '-rf', '/run/longhaul', '/home/agent', '/workspace'],
  })
  await stripping.start()
  await stripping.wait()
  const repo = `stripped-${process.pid}`
  await stripping.commit({ repo })
  await stripping.remove()
  const provider = new DockerProvider({ docker, git, instance: repo })
  const spec = { tenantId: 't', sessionId: `ses_${randomUUID()}`, image: repo, cpus: 1, memoryMb: 256, diskMb: 512 }
  const { sandbox } = await provider.open(spec, { epoch: 1, filledId: null, signal: never })
  const script = 'touch ~/mine && touch mine && pwd'
  const result = await sandbox.run({ callNo: 1, script, timeoutMs: 20_000, maxOutputBytes: 100 }, never)
  await sandbox.detach()
  await provider.remove(spec.sessionId)
  await docker.getImage(repo).remove()
  expect(result).toMatchObject({ output: '/workspace\n', exitCode: 0 })
})

test('a call on a container that was removed behind our back says that it is lost', async () => {
  const provider = new DockerProvider({ docker, git, instance: `removed-${process.pid}` })
  const spec = { tenantId: 't', sessionId: `ses_${randomUUID()}`, image, cpus: 1, memoryMb: 256, diskMb: 512 }
  const { sandbox } = await provider.open(spec, { epoch: 1, filledId: null, signal: never })
  const running = sandbox.run({ callNo: 1, script: 'sleep 20', timeoutMs: 20_000, maxOutputBytes: 100 }, never)
  const lost = expect(running).rejects.toThrow(SandboxLostError)
  await docker.getContainer(containerNameOf(spec.sessionId)).remove({ force: true })
  await lost
  await sandbox.detach()
})
