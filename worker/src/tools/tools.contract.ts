import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommandCall, Sandbox, SandboxProvider } from '../sandboxes/sandbox.ts'
import type { ToolContext } from './tool.ts'
import { tools, toolsByName } from './tools.ts'

const never = new AbortController().signal

/** What an agent may count on in every kind of sandbox, and in an image that has little more than a shell. */
export const describeTools = (name: string, { image, open }: { image: string; open: () => Promise<SandboxProvider> }): void => {
  const sessionId = `ses_${randomUUID().replaceAll('-', '')}`
  let provider: SandboxProvider
  let sandbox: Sandbox
  let callNo = 0

  beforeAll(async () => {
    provider = await open()
    const spec = { tenantId: 'ten_test', sessionId, image, cpus: 1, memoryMb: 512, diskMb: 1024 }
    sandbox = (await provider.open(spec, { epoch: 1, signal: never })).sandbox
    const names = 'sh cat sed head tail tr wc ls find grep mkdir rm awk sleep'
    await shell(`mkdir -p /tmp/bare-$WORKSPACE_ID; cd /tmp/bare-$WORKSPACE_ID && for n in ${names}; do ln -sf "$(command -v $n)" $n; done`)
  })
  afterAll(async () => {
    await sandbox.detach()
    await provider.remove(sessionId)
  })

  const shell = async (script: string) =>
    (
      await sandbox.run(
        { callNo: ++callNo, script: `WORKSPACE_ID=${sessionId}; ${script}`, timeoutMs: 20_000, maxOutputBytes: 20_000 },
        never,
      )
    ).output

  /** The same sandbox, with nothing on PATH but what POSIX asks for. */
  const bare = (): Sandbox => ({
    id: sandbox.id,
    owner: sandbox.owner,
    run: (call: CommandCall, signal) => sandbox.run({ ...call, script: `PATH=/tmp/bare-${sessionId}\n${call.script}` }, signal),
    inspectCall: (call) => sandbox.inspectCall(call),
    awaitCall: (call, signal) => sandbox.awaitCall(call, signal),
    getArchive: (path) => sandbox.getArchive(path),
    putArchive: (path, tar) => sandbox.putArchive(path, tar),
    detach: () => sandbox.detach(),
  })

  describe.each(['full', 'bare'])(`tools in a sandbox of ${name}, %s`, (kind) => {
    const context = (): ToolContext => ({
      sandbox: kind === 'bare' ? bare() : sandbox,
      callNo: ++callNo,
      signal: never,
      maxOutputBytes: 10_000,
    })
    const use = async (tool: string, input: unknown) => {
      const found = toolsByName.get(tool)
      if (!found) throw new Error(`no tool ${tool}`)
      return found.run(input, context())
    }

    test('bash answers output and exit code', async () => {
      expect(await use('bash', { command: 'echo it\\\'s "fine"; echo two >&2' })).toMatchObject({
        output: "it's fine\ntwo\n",
        isError: false,
        exitCode: 0,
      })
      expect(await use('bash', { command: 'printf partly; exit 4' })).toMatchObject({
        output: 'partly\n[exit code 4]',
        isError: true,
        exitCode: 4,
      })
      expect(await use('bash', { command: 'sleep 20', timeout_ms: 200 })).toMatchObject({
        output: '[timed out after 200 ms; it was killed]',
        isError: true,
      })
    })

    test('write makes a file with its folders, replaces it and keeps its mode; read numbers its lines', async () => {
      const content = `it's "a" \\n $HOME \`x\`\n\n\tä 💡\nlast without end`
      expect(await use('write', { file_path: `${kind}/new dir/it's.txt`, content })).toMatchObject({ isError: false, exitCode: null })
      expect(await shell(`cat "$WORKSPACE/${kind}/new dir/it's.txt"; chmod 755 "$WORKSPACE/${kind}/new dir/it's.txt"`)).toBe(content)
      expect((await use('read', { file_path: `/workspace/${kind}/new dir/it's.txt` })).output).toBe(
        `     1\tit's "a" \\n $HOME \`x\`\n     2\t\n     3\t\tä 💡\n     4\tlast without end`,
      )
      expect((await use('write', { file_path: `${kind}/new dir/it's.txt`, content: 'x\n' })).output).toMatch(/^Replaced .* \(2 bytes\)/)
      expect(await shell(`ls -l "$WORKSPACE/${kind}/new dir"`)).toMatch(/-rwxr-xr-x/)
    })

    test('a large file is written and read in parts, each within the limit', async () => {
      const content = Array.from({ length: 30_000 }, (_, at) => `line ${at + 1}`).join('\n')
      expect(await use('write', { file_path: `${kind}/large`, content })).toMatchObject({ isError: false })
      const first = await use('read', { file_path: `${kind}/large` })
      expect(first).toMatchObject({ truncated: true })
      expect(Buffer.byteLength(first.output)).toBeLessThanOrEqual(10_000)
      const [, next] = /view_range \[(\d+), -1\]/.exec(first.output) ?? []
      const second = await use('read', { file_path: `${kind}/large`, view_range: [Number(next), Number(next) + 1] })
      expect(second.output).toBe(
        `${String(next).padStart(6)}\tline ${next}\n${String(Number(next) + 1).padStart(6)}\tline ${Number(next) + 1}`,
      )
      expect((await use('read', { file_path: `${kind}/large`, view_range: [29_999, -1] })).output).toBe(
        ' 29999\tline 29999\n 30000\tline 30000',
      )
    })

    test("read lists a folder, and says what it can't show", async () => {
      await shell(`mkdir -p "$WORKSPACE/${kind}"; cd "$WORKSPACE/${kind}"; printf 'a\\0b' >binary; : >empty; rm -f pipe; mkfifo pipe`)
      expect((await use('read', { file_path: kind })).output).toMatch(/binary/)
      expect(await use('read', { file_path: `${kind}/binary` })).toMatchObject({ isError: true, output: expect.stringContaining('binary') })
      expect(await use('read', { file_path: `${kind}/empty` })).toMatchObject({ isError: false, output: '(the file is empty)' })
      expect(await use('read', { file_path: `${kind}/pipe` })).toMatchObject({
        isError: true,
        output: expect.stringContaining('no regular file'),
      })
      expect(await use('read', { file_path: `${kind}/nowhere` })).toMatchObject({
        isError: true,
        output: `There is no file ${kind}/nowhere.`,
      })
    })

    test('edit replaces exactly what it is told, once or everywhere', async () => {
      const path = `${kind}/edited`
      await use('write', { file_path: path, content: 'a.*b\\n\n"q" \'s\' $x\n\ntail & ä\nsame\nsame' })
      expect(await use('edit', { file_path: path, old_string: 'a.*b\\n\n"q"', new_string: '&\\1\n$HOME 💡' })).toMatchObject({
        isError: false,
        output: `Replaced one occurrence in ${path}.`,
      })
      expect(await shell(`cat "$WORKSPACE/${path}"`)).toBe(`&\\1\n$HOME 💡 's' $x\n\ntail & ä\nsame\nsame`)
      expect(await use('edit', { file_path: path, old_string: 'same', new_string: 'x' })).toMatchObject({
        isError: true,
        output: expect.stringContaining('more than once'),
      })
      expect(await use('edit', { file_path: path, old_string: 'same', new_string: 'xsamex', replace_all: true })).toMatchObject({
        isError: false,
        output: expect.stringContaining('2 occurrences'),
      })
      expect(await shell(`tail -n 2 "$WORKSPACE/${path}"`)).toBe('xsamex\nxsamex')
      expect(await use('edit', { file_path: path, old_string: 'nowhere', new_string: 'x' })).toMatchObject({
        isError: true,
        output: expect.stringContaining('does not occur'),
      })
      expect(await use('edit', { file_path: `${kind}/none`, old_string: 'a', new_string: 'b' })).toMatchObject({
        isError: true,
        output: expect.stringContaining('no file'),
      })
    })

    test("edit keeps a file's mode and its last line as it was, and leaves binary files alone", async () => {
      await shell(
        `mkdir -p "$WORKSPACE/${kind}/e"; cd "$WORKSPACE/${kind}/e"; printf 'one\\ntwo\\n' >ends; printf 'one\\ntwo' >open; printf 'one\\0two' >binary; chmod 751 ends`,
      )
      await use('edit', { file_path: `${kind}/e/ends`, old_string: 'two', new_string: '2' })
      await use('edit', { file_path: `${kind}/e/open`, old_string: 'two', new_string: '' })
      expect(await shell(`cd "$WORKSPACE/${kind}/e"; cat ends; echo -; cat open; echo -; ls -l ends`)).toMatch(
        /^one\n2\n-\none\n-\n-rwxr-x--x/,
      )
      expect(await use('edit', { file_path: `${kind}/e/binary`, old_string: 'two', new_string: '2' })).toMatchObject({ isError: true })
      expect(await shell('ls -A "${TMPDIR:-/tmp}" | grep longhaul-edit')).toBe('')
    })

    test('glob and grep find files, and answer paths relative to where they looked', async () => {
      await shell(
        `cd "$WORKSPACE" && rm -rf t-${kind} && mkdir -p t-${kind}/src/deep t-${kind}/node_modules/m t-${kind}/.git && cd t-${kind} && echo needle >src/a.ts && echo 'a Needle 42' >src/deep/b.ts && echo needle >node_modules/m/c.ts && echo needle >.git/d.ts && printf 'needle\\0' >bin.ts && echo x >.hidden.ts`,
      )
      const path = `/workspace/t-${kind}`
      expect((await use('glob', { pattern: '**/*.ts', path })).output).toBe('.hidden.ts\nbin.ts\nsrc/a.ts\nsrc/deep/b.ts')
      expect((await use('glob', { pattern: 'node_modules/**/*.ts', path })).output).toBe('node_modules/m/c.ts')
      expect((await use('glob', { pattern: '*.none', path })).output).toBe('No file fits.')
      expect((await use('grep', { pattern: '[nN]eedle( [0-9]+)?$', path })).output.split('\n').sort()).toEqual([
        'src/a.ts:1:needle',
        'src/deep/b.ts:1:a Needle 42',
      ])
      expect((await use('grep', { pattern: '42', path: `t-${kind}/src/deep/b.ts` })).output).toMatch(/b\.ts:1:a Needle 42$/)
      expect(await use('grep', { pattern: 'absent', path })).toMatchObject({ output: 'No line fits.', isError: false })
      expect(await use('grep', { pattern: '(', path })).toMatchObject({ isError: true })
      expect(await use('grep', { pattern: 'x', path: 'nowhere' })).toMatchObject({ isError: true, output: 'There is no nowhere.' })
    })

    test('a path is only a path, whatever it looks like', async () => {
      for (const path of ['-rf', '$(touch pwned)', '`touch pwned`', "';touch pwned;'", 'a\nb', '*', '~', ' ']) {
        expect(await use('write', { file_path: path, content: path })).toMatchObject({ isError: false })
        expect((await use('read', { file_path: path })).output).toContain(path.split('\n')[0])
        expect(await use('edit', { file_path: path, old_string: path, new_string: 'edited' })).toMatchObject({ isError: false })
        expect(await use('grep', { pattern: 'edited', path })).toMatchObject({ isError: false, output: expect.stringContaining('edited') })
      }
      expect(await shell('cd "$WORKSPACE"; ls -d pwned 2>/dev/null')).toBe('')
    })

    test('the outcome of a call that another worker started is the same', async () => {
      const running = context()
      const input = { file_path: `${kind}/collected`, content: 'x' }
      const outcome = await toolsByName.get('write')?.run(input, running)
      expect(await toolsByName.get('write')?.collect(input, running)).toMatchObject({ output: outcome?.output, isError: false })
    })
  })

  test.each([
    ['bash', {}],
    ['bash', null],
    ['bash', 'ls'],
    ['bash', ['ls']],
    ['bash', { command: 1 }],
    ['bash', { command: 'a\0b' }],
    ['bash', { command: 'x'.repeat(200_000) }],
    ['bash', { command: 'ls', timeout_ms: 'soon' }],
    ['bash', { command: 'ls', timeout_ms: -1 }],
    ['bash', { command: { toString: 'ls' } }],
    ['read', { file_path: '' }],
    ['read', { file_path: 'a', view_range: [0, 1] }],
    ['read', { file_path: 'a', view_range: [5, 2] }],
    ['read', { file_path: 'a', view_range: ['1;rm', 2] }],
    ['read', { file_path: 'x'.repeat(5_000) }],
    ['write', { file_path: 'a' }],
    ['write', { file_path: 'a', content: 'x\0' }],
    ['edit', { file_path: 'a', old_string: '', new_string: 'x' }],
    ['edit', { file_path: 'a', old_string: 'x', new_string: 'x' }],
    ['edit', { file_path: 'a', old_string: 'x', new_string: 'y', replace_all: 'yes' }],
    ['glob', { pattern: '' }],
    ['grep', { pattern: 'x', path: 7 }],
  ])('%s answers bad input %j with a sentence, and runs nothing', async (tool, input) => {
    const outcome = await toolsByName.get(tool)?.run(input, { sandbox: unusable, callNo: 0, signal: never, maxOutputBytes: 1_000 })
    expect(outcome).toMatchObject({ isError: true, exitCode: null, output: expect.stringMatching(/^[^\n]+\.$/) })
  })

  test('what a tool is about to do is said in one line of at most 80 characters', () => {
    for (const tool of tools) {
      for (const input of [null, {}, { command: 'x\n'.repeat(100), file_path: '💡'.repeat(100), pattern: 5 }]) {
        const summary = tool.summarize(input)
        expect(summary).toMatch(/^[^\n]+$/)
        expect([...summary].length).toBeLessThanOrEqual(80)
      }
    }
    expect(toolsByName.get('bash')?.summarize({ command: 'npm test' })).toBe('bash: npm test')
  })
}

const refuse = async (): Promise<never> => {
  throw new Error('nothing may reach the sandbox')
}
const unusable: Sandbox = {
  id: '',
  owner: { uid: 0, gid: 0 },
  run: refuse,
  inspectCall: refuse,
  awaitCall: refuse,
  getArchive: refuse,
  putArchive: refuse,
  detach: refuse,
}
