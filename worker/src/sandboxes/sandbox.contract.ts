import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { packArchive } from '@longhaul/core/src/archives/pack-archive.ts'
import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readArchiveFile } from '../workspace/read-archive-file.ts'
import { RepeatedCallError, type Sandbox, SandboxLostError, type SandboxProvider, type SandboxSpec, StaleEpochError } from './sandbox.ts'

const never = new AbortController().signal

/** What a turn may count on, whichever kind of sandbox it got. Run by every provider's tests. */
export const describeSandboxes = (name: string, { image, open }: { image: string; open: () => Promise<SandboxProvider> }): void => {
  describe(`sandboxes of ${name}`, () => {
    let provider: SandboxProvider
    const opened: Sandbox[] = []
    let sessionId = ''
    /** What the session's log would say. */
    let filledId: string | null = null
    let callNo = 0

    beforeAll(async () => {
      provider = await open()
    })
    afterEach(async () => {
      for (const sandbox of opened.splice(0)) await sandbox.detach()
      if (sessionId) await provider.remove(sessionId)
      sessionId = ''
      filledId = null
    })
    afterAll(async () => {
      expect(await provider.list()).toEqual([])
    })

    const spec = (): SandboxSpec => {
      sessionId ||= `ses_${randomUUID().replaceAll('-', '')}`
      return { tenantId: 'ten_test', sessionId, image, cpus: 1, memoryMb: 512, diskMb: 1024 }
    }
    const openAt = async (epoch: number, signal = never) => {
      const result = await provider.open(spec(), { epoch, filledId, signal })
      opened.push(result.sandbox)
      return result
    }
    const openFirst = async () => (await openAt(1)).sandbox
    const call = (script: string, rest: { timeoutMs?: number; maxOutputBytes?: number; callNo?: number } = {}) => ({
      callNo: ++callNo,
      script,
      timeoutMs: 20_000,
      maxOutputBytes: 30_000,
      ...rest,
    })

    test('a call answers what the command wrote, in order, and how it ended', async () => {
      const sandbox = await openFirst()
      const result = await sandbox.run(call('echo one; echo two >&2; printf "drei ä 💡"; exit 3'), never)
      expect(result).toMatchObject({
        output: 'one\ntwo\ndrei ä 💡',
        exitCode: 3,
        truncated: false,
        outputFile: null,
        timedOut: false,
        restarted: false,
      })
    })

    test('a call runs in the workspace; files stay from call to call, variables do not', async () => {
      const sandbox = await openFirst()
      await sandbox.run(call('x=1; echo kept >file'), never)
      expect((await sandbox.run(call('cat "$WORKSPACE/file"; cat file; [ -z "$x" ] && echo unset'), never)).output).toBe(
        'kept\nkept\nunset\n',
      )
    })

    test('a script arrives as it was written, whatever is in it', async () => {
      const sandbox = await openFirst()
      const odd = `'"\\$\`*?~#%\\n\\\\ \t\r\u0001\u001b ä 💡 end  `
      const script = `cat <<'END'\n${odd}\nEND\n`
      expect((await sandbox.run(call(script), never)).output).toBe(`${odd}\n`)
      expect((await sandbox.run(call(`cat <<'END'\n${'0123456789abcde\n'.repeat(20_000)}END\necho done`), never)).output).toMatch(/done\n$/)
    })

    test('a number that was seen is refused, also by the next claimant', async () => {
      const sandbox = await openFirst()
      const once = call('echo x >>count')
      await sandbox.run(once, never)
      filledId = sandbox.id
      await expect(sandbox.run(once, never)).rejects.toThrow(RepeatedCallError)
      const { sandbox: next } = await openAt(2)
      await expect(next.run(once, never)).rejects.toThrow(RepeatedCallError)
      expect((await next.run(call('cat count'), never)).output).toBe('x\n')
    })

    test('a claimant of an older epoch can neither run, nor write, nor kill, nor attach', async () => {
      const sandbox = await openFirst()
      filledId = sandbox.id
      const { sandbox: next } = await openAt(2)
      const running = next.run(call('sleep 1; echo finished'), never)
      const open = callNo
      await expect(sandbox.run(call('echo x >late'), never)).rejects.toThrow(StaleEpochError)
      await expect(sandbox.putArchive('/workspace', fileTar('late', 'x'))).rejects.toThrow(StaleEpochError)
      await expect(sandbox.lend(Readable.from([Buffer.from('x')]), 1)).rejects.toThrow(StaleEpochError)
      await expect(sandbox.awaitCall({ callNo: open, timeoutMs: 1, maxOutputBytes: 100 }, never)).rejects.toThrow(StaleEpochError)
      await expect(openAt(1)).rejects.toThrow(StaleEpochError)
      expect((await running).output).toBe('finished\n')
      expect((await next.run(call('ls'), never)).output).toBe('')
    })

    test('what a call that another worker started became is known by its number', async () => {
      const sandbox = await openFirst()
      filledId = sandbox.id
      const done = call('echo first; exit 5')
      await sandbox.run(done, never)
      const slow = call('echo begun; sleep 1; echo ended')
      const abandoned = sandbox.run(slow, never).catch((error: Error) => error)
      await until(async () => (await sandbox.inspectCall(slow)).state === 'running')
      await sandbox.detach()
      expect(await abandoned).toBeInstanceOf(Error)

      const { sandbox: next } = await openAt(2)
      expect(await next.inspectCall(done)).toMatchObject({ state: 'done', result: { output: 'first\n', exitCode: 5 } })
      expect(await next.inspectCall(slow)).toEqual({ state: 'running' })
      expect(await next.inspectCall(call(''))).toEqual({ state: 'never' })
      const result = await next.awaitCall(slow, never)
      expect(result).toMatchObject({ output: 'begun\nended\n', exitCode: 0 })
      expect(result.durationMs).toBeGreaterThan(900)
    })

    test('at its timeout a call is killed with all it started, and says so', async () => {
      const sandbox = await openFirst()
      const result = await sandbox.run(call('echo before; (sleep 30; echo late >late) & sleep 30', { timeoutMs: 300 }), never)
      expect(result).toMatchObject({ output: 'before\n', timedOut: true, restarted: false })
      expect(result.exitCode).not.toBe(0)
      expect(result.durationMs).toBeLessThan(2_000)
      expect((await sandbox.run(call('ls; ps -e -o args 2>/dev/null | grep -c "[s]leep 30"'), never)).output.trim()).toBe('0')
    })

    test('when its signal aborts, a call is dead within two seconds', async () => {
      const sandbox = await openFirst()
      const stop = new AbortController()
      const running = sandbox.run(call('trap "" TERM INT; sleep 30; echo no >no'), stop.signal)
      await until(async () => (await sandbox.inspectCall({ callNo, maxOutputBytes: 10 })).state === 'running')
      const startedAt = performance.now()
      stop.abort()
      expect((await running).exitCode).not.toBe(0)
      expect(performance.now() - startedAt).toBeLessThan(2_000)
    })

    test('one that rests, frozen where that can be, can be read, and goes on when it is opened; frozen it still runs what it ran', async () => {
      const sandbox = await openFirst()
      await sandbox.run(call('(while :; do sleep 1; done) >/dev/null 2>&1 & echo $! >pid'), never)
      filledId = sandbox.id
      await sandbox.detach()
      const paused = await provider.pause(sessionId)
      if (!paused) await provider.stop(sessionId)
      expect(await provider.list()).toMatchObject([{ sessionId, kind: 'sandbox', running: false, paused }])
      const archive = await provider.readWorkspace({ sessionId, sandboxId: sandbox.id }, '/workspace')
      expect(archive && String(await readArchiveFile(archive, 'pid', 100))).toMatch(/^\d+\n$/)
      const { sandbox: next, fresh } = await openAt(2)
      expect(fresh).toBe(false)
      expect((await next.run(call('kill -0 "$(cat pid)" 2>/dev/null && echo alive || echo gone'), never)).output).toBe(
        paused ? 'alive\n' : 'gone\n',
      )
      await provider.unpause(sessionId)
      expect((await next.run(call('echo usable'), never)).output).toBe('usable\n')
      await provider.pause(sessionId)
      await provider.stop(sessionId)
      expect(await provider.list()).toMatchObject([{ running: false, paused: false }])
    })

    test('a process left in the background does not hold the call, even with its output open', async () => {
      const sandbox = await openFirst()
      const startedAt = performance.now()
      expect((await sandbox.run(call('sleep 60 & echo started'), never)).output).toBe('started\n')
      expect(performance.now() - startedAt).toBeLessThan(25_000)
    })

    test('what the agent has left running is seen from outside, and what the sandbox itself runs is not', async () => {
      const sandbox = await openFirst()
      const sees = (runs: boolean) => until(async () => (await provider.hasProcesses(sessionId)) === runs)
      await sees(false)
      await sandbox.run(call('echo short'), never)
      await sees(false)
      // With its output open, in a session of its own, and as a shell that executes nothing else.
      for (const left of ['sleep 60 &', '(exec setsid sleep 60 >/dev/null 2>&1) &', 'mkfifo p; (read line <p) >/dev/null 2>&1 &']) {
        await sandbox.run(call(`${left} echo $! >left`), never)
        await sees(true)
        await sandbox.run(call('kill $(cat left); rm -f p'), never)
        await sees(false)
      }
      const running = sandbox.run(call('sleep 60'), never).catch(() => {})
      await sees(true)
      await provider.stop(sessionId)
      expect([await provider.hasProcesses(sessionId), await provider.hasProcesses('ses_none')]).toEqual([false, false])
      await sandbox.detach()
      await running
    })

    test('calls run side by side, each with its own output', async () => {
      const sandbox = await openFirst()
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, at) => sandbox.run(call(`sleep 0.3; head -c 2800 /dev/zero | tr '\\0' ${at}`), never)),
      )
      expect(results.map(({ output }) => output)).toEqual(Array.from({ length: 8 }, (_, at) => String(at).repeat(2800)))
    })

    test('long output comes back as head and tail, whole in a file that the agent can read', async () => {
      const sandbox = await openFirst()
      const result = await sandbox.run(call('seq 1 200000', { maxOutputBytes: 2_000 }), never)
      expect(result).toMatchObject({ truncated: true, exitCode: 0 })
      expect(result.output).toMatch(/^1\n2\n.*bytes left out.*\n199999\n200000\n$/s)
      expect(Buffer.byteLength(result.output)).toBeLessThan(2_100)
      expect((await sandbox.run(call(`wc -l <${result.outputFile}`), never)).output.trim()).toBe('200000')
    })

    test('binary output, one long line and a cut through characters come back as text', async () => {
      const sandbox = await openFirst()
      expect((await sandbox.run(call("printf '\\377\\376a\\200'"), never)).output).toBe('\ufffd\ufffda\ufffd')
      const line = await sandbox.run(call("head -c 1000000 /dev/zero | tr '\\0' x", { maxOutputBytes: 1_000 }), never)
      expect(line.output).toMatch(/^x{500}\n\[… 999000 bytes left out …\]\nx{500}$/)
      const wide = await sandbox.run(call("i=0; while [ $i -lt 2000 ]; do printf '💡'; i=$((i+1)); done", { maxOutputBytes: 1_001 }), never)
      expect(wide.output).not.toContain('\ufffd')
    })

    test('endless output fills neither the sandbox nor the worker', { timeout: 60_000 }, async () => {
      const sandbox = await openFirst()
      const before = process.memoryUsage.rss()
      const result = await sandbox.run(call('head -c 1000000000 /dev/zero; echo the end', { timeoutMs: 50_000 }), never)
      expect(result).toMatchObject({ truncated: true, exitCode: 0 })
      expect(result.output).toMatch(/the end\n$/)
      expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20)
      expect(Number((await sandbox.run(call(`wc -c <${result.outputFile}`), never)).output)).toBeLessThan(10_000_000)
    })

    test('when a command kills everything, the call says so, and the next one finds the files', async () => {
      const sandbox = await openFirst()
      const result = await sandbox.run(call('echo kept >file; echo said; kill -9 -1; sleep 5'), never)
      expect(result).toMatchObject({ exitCode: 137, restarted: true })
      expect((await sandbox.run(call('cat file'), never)).output).toBe('kept\n')
      expect(await sandbox.inspectCall({ callNo: callNo - 1, maxOutputBytes: 10 })).toEqual({ state: 'unknown' })
    })

    test('a command that kills the process it was started by ends all the same, and the next one runs', async () => {
      const sandbox = await openFirst()
      expect(await sandbox.run(call("exec sh -c 'kill -9 $PPID; echo after; exit 3'"), never)).toMatchObject({
        exitCode: 137,
        output: 'after\n',
        restarted: false,
      })
      expect((await sandbox.run(call('echo next'), never)).output).toBe('next\n')
    })

    test('a stopped sandbox comes back with its files, and was no longer running meanwhile', async () => {
      const sandbox = await openFirst()
      await sandbox.run(call('echo kept >file'), never)
      filledId = sandbox.id
      await sandbox.detach()
      await provider.stop(sessionId)
      await provider.stop(sessionId)
      expect(await provider.list()).toMatchObject([{ sessionId, kind: 'sandbox', running: false, tenantId: 'ten_test' }])
      const archive = await provider.readWorkspace({ sessionId, sandboxId: sandbox.id }, '/workspace')
      expect(archive && String(await readArchiveFile(archive, 'file', 100))).toBe('kept\n')
      const { sandbox: again, fresh } = await openAt(2)
      expect(fresh).toBe(false)
      expect((await again.run(call('cat file'), never)).output).toBe('kept\n')
    })

    test('until the log knows it, a sandbox starts over', async () => {
      const { sandbox, fresh } = await openAt(1)
      expect(fresh).toBe(true)
      await sandbox.run(call('echo half >half'), never)
      await sandbox.detach()
      const second = await openAt(2)
      expect(second.fresh).toBe(true)
      expect((await second.sandbox.run(call('ls'), never)).output).toBe('')
      filledId = second.sandbox.id
      expect((await openAt(3)).fresh).toBe(false)
    })

    test("archives go in and out, and what is put in is the agent's", async () => {
      const sandbox = await openFirst()
      await sandbox.putArchive('/workspace', fileTar('put', 'content', sandbox.owner))
      expect((await sandbox.run(call('cat put; echo more >>put'), never)).output).toBe('content')
      expect(String(await readArchiveFile(await sandbox.getArchive('/workspace'), 'put', 100))).toBe('contentmore\n')
      const read = await provider.readWorkspace({ sessionId, sandboxId: sandbox.id }, '/workspace')
      expect(read && String(await readArchiveFile(read, 'put', 100))).toBe('contentmore\n')
      expect(await provider.readWorkspace({ sessionId, sandboxId: sandbox.id }, '/workspace/nothing')).toBeNull()
    })

    test('what is read is of the sandbox that was asked for: of another of the same session, or of none, it is said to be gone', async () => {
      const old = await openFirst()
      await provider.remove(sessionId)
      const read = () => provider.readWorkspace({ sessionId, sandboxId: old.id }, '/workspace')
      await expect(read()).rejects.toThrow(SandboxLostError)
      const { sandbox } = await openAt(2)
      expect(sandbox.id).not.toBe(old.id)
      await expect(read()).rejects.toThrow(SandboxLostError)
    })

    test('what is lent can be read and not changed, lies beside a place to write, and is taken back', async () => {
      const sandbox = await openFirst()
      const { path, scratch, takeBack } = await sandbox.lend(Readable.from([Buffer.from('lent')]), 4)
      const tried = `cat '${path}'; (echo x >>'${path}') 2>/dev/null || rm -f '${path}' 2>/dev/null || echo kept; cp '${path}' '${scratch}/mine' && mv '${scratch}/mine' mine && cat mine`
      expect((await sandbox.run(call(tried), never)).output).toBe('lentkept\nlent')
      await takeBack()
      expect((await sandbox.run(call(`cat '${path}' 2>/dev/null || true`), never)).output).toBe('')
    })

    test('of what lies behind a link that the agent planted nothing is read from outside', async () => {
      const sandbox = await openFirst()
      await sandbox.run(call('mkdir real; echo x >real/passwd; ln -s /etc trap; ln -s real inside; ln -s /etc/passwd leak'), never)
      const read = (path: string) => provider.readWorkspace({ sessionId, sandboxId: sandbox.id }, `/workspace/${path}`)
      for (const path of ['trap/passwd', 'inside/passwd', 'trap/../etc/passwd']) expect([path, await read(path)]).toEqual([path, null])
      const types: (string | null | undefined)[] = []
      const leak = await read('leak')
      if (leak) await walkArchive(leak, async ({ header }) => types.push(header.type))
      expect(types).toEqual(['symlink'])
      const plain = await read('real/passwd')
      expect(plain).not.toBeNull()
      plain?.destroy()
    })

    test('removing twice is removing once, and a call on what is gone says that it is lost', async () => {
      const sandbox = await openFirst()
      const running = sandbox.run(call('sleep 30'), never)
      const lost = expect(running).rejects.toThrow(SandboxLostError)
      await until(async () => (await sandbox.inspectCall({ callNo, maxOutputBytes: 10 })).state === 'running')
      await provider.remove(sessionId)
      await provider.remove(sessionId)
      await lost
      await expect(sandbox.run(call('true'), never)).rejects.toThrow(SandboxLostError)
      expect(await provider.list()).toEqual([])
    })

    test('two claimants who open at once get one sandbox, and the later one keeps it', async () => {
      spec()
      const [first, second] = await Promise.allSettled([openAt(1), openAt(2)])
      if (second.status === 'rejected') throw second.reason
      expect((await second.value.sandbox.run(call('echo mine'), never)).output).toBe('mine\n')
      // One that was not yet full could not be made by the earlier claimant after the later one.
      if (first.status === 'fulfilled')
        await expect(first.value.sandbox.run(call('echo mine'), never)).rejects.toThrow(/taken the sandbox over|gone|removed/)
      expect(await provider.list()).toHaveLength(1)
    })

    describe('a check', () => {
      const workspace = async () =>
        packArchive(async (out) => {
          await out.write({ name: 'workspace', type: 'directory', mode: 0o755, ...(await ownerOf()) })
          await out.write({ name: 'workspace/file', type: 'file', mode: 0o644, ...(await ownerOf()) }, Buffer.from('copied\n'))
        })
      const ownerOf = async () => (provider.isolated ? { uid: 10_001, gid: 10_001 } : {})
      const check = (run: string, rest: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
        provider.check(
          { ...spec(), setUpImageId: null, workspace, run, timeoutMs: rest.timeoutMs ?? 20_000, maxOutputBytes: 5_000 },
          rest.signal ?? never,
        )

      test('runs a command on the copy, and answers its exit code and output', async () => {
        expect(await check('cat file; echo err >&2; touch new; exit 7')).toMatchObject({
          completed: true,
          exitCode: 7,
          output: 'copied\nerr\n',
          timedOut: false,
          error: null,
          isolated: provider.isolated,
        })
      })

      test('has nothing of the agent but the copy', async () => {
        const sandbox = await openFirst()
        await sandbox.run(call('echo agent >"$WORKSPACE/agent"; echo "echo bad" >~/.bashrc; echo "echo bad" >~/.profile'), never)
        expect((await check('ls; echo "$PWD" >/dev/null; ls "$WORKSPACE" 2>/dev/null || true')).output).not.toMatch(/agent|bad/)
      })

      test('is killed at its timeout, and did not complete', async () => {
        const startedAt = performance.now()
        expect(await check('echo begun; sleep 60', { timeoutMs: 500 })).toMatchObject({
          completed: false,
          timedOut: true,
          exitCode: null,
          output: 'begun\n',
        })
        expect(performance.now() - startedAt).toBeLessThan(25_000) // it did not wait for the command; on full cores a copy takes long
      })

      test('whose signal aborts is given up, and leaves nothing behind', async () => {
        const stop = new AbortController()
        const running = check('sleep 30', { signal: stop.signal })
        await until(async () => (await provider.list()).some(({ kind, running: is }) => kind === 'check' && is))
        stop.abort(new Error('stopped'))
        await expect(running).rejects.toThrow('stopped')
        expect(await provider.list()).toEqual([])
      })
    })
  })
}

const fileTar = (name: string, content: string, owner: { uid: number; gid: number } = { uid: 0, gid: 0 }): Readable =>
  packArchive((out) => out.write({ name, type: 'file', mode: 0o644, ...owner }, Buffer.from(content)))

/** Until it holds; the test's own timeout is the bound. */
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
