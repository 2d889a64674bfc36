import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sandbox, SandboxProvider } from '../sandboxes/sandbox.ts'
import { describeEdit } from './edit.contract.ts'
import { describeFileTools } from './file-tools.contract.ts'
import { describeSearchTools } from './search-tools.contract.ts'
import type { ToolContext, ToolOutcome } from './tool.ts'
import { toolsByName } from './tools.ts'

const never = new AbortController().signal
/** What the tools may count on in an image that has little more than a shell. */
const posixPrograms = 'awk cat cp find grep head ls mkdir mv readlink rm sleep sort tail tr wc'

export type ToolsUnderTest = {
  /** Of the suite's own, below the workspace. */
  folder: string
  hasRipgrep: () => boolean
  /** `before`: what the shell is told before the tool's own script. */
  use: (tool: string, input: unknown, options?: { before?: string; maxOutputBytes?: number }) => Promise<ToolOutcome>
  /** Output of a script that runs in `folder`. */
  shell: (script: string) => Promise<string>
}

/** What an agent may count on in every kind of sandbox. */
export const describeTools = (name: string, { image, open }: { image: string; open: () => Promise<SandboxProvider> }): void => {
  const sessionId = `ses_${randomUUID().replaceAll('-', '')}`
  const bareFolder = `/tmp/bare-${sessionId}`
  let provider: SandboxProvider
  let sandbox: Sandbox
  let hasRipgrep = false
  let callNo = 0
  const run = (script: string) => sandbox.run({ callNo: ++callNo, script, timeoutMs: 20_000, maxOutputBytes: 20_000_000 }, never)
  const findTool = (tool: string) => {
    const found = toolsByName.get(tool)
    if (!found) throw new Error(`no tool ${tool}`)
    return found
  }

  beforeAll(async () => {
    provider = await open()
    const spec = { tenantId: 'ten_test', sessionId, image, cpus: 1, memoryMb: 512, diskMb: 1024 }
    sandbox = (await provider.open(spec, { epoch: 1, filledId: null, signal: never })).sandbox
    await run(
      `mkdir "$WORKSPACE/full" "$WORKSPACE/bare" ${bareFolder}; cd ${bareFolder} && for n in sh ${posixPrograms}; do ln -s "$(command -v $n)" $n; done`,
    )
    hasRipgrep = (await run('command -v rg')).exitCode === 0
  })
  afterAll(async () => {
    await run(`rm -rf ${bareFolder}`)
    await sandbox.detach()
    await provider.remove(sessionId)
  })

  describe.each(['full', 'bare'])(`tools in a sandbox of ${name} with %s PATH`, (folder) => {
    const path = folder === 'bare' ? `PATH=${bareFolder}\n` : ''
    const contextOf = ({ before = '', maxOutputBytes = 30_000 } = {}): ToolContext => ({
      sandbox: withPrefix(sandbox, `${path}${before}\n`),
      callNo: ++callNo,
      signal: never,
      maxOutputBytes,
    })
    const tools: ToolsUnderTest = {
      folder,
      hasRipgrep: () => folder === 'full' && hasRipgrep,
      use: (tool, input, options) => findTool(tool).run(input, contextOf(options)),
      shell: async (script) => (await run(`cd "$WORKSPACE/${folder}"\n${script}`)).output,
    }

    describe('bash', () => {
      test('answers output, and the exit code when the command failed', async () => {
        expect(await tools.use('bash', { command: 'echo it\\\'s "fine"; echo two >&2' })).toMatchObject({
          output: "it's fine\ntwo\n",
          isError: false,
          exitCode: 0,
        })
        expect(await tools.use('bash', { command: 'printf partly; exit 4' })).toMatchObject({
          output: 'partly\n[exit code 4]',
          isError: true,
          exitCode: 4,
        })
        expect(await tools.use('bash', { command: 'exit 1' })).toMatchObject({ output: '[exit code 1]', isError: true })
      })

      test('says that a command was stopped for its time', async () => {
        expect(await tools.use('bash', { command: 'echo begun; sleep 20', timeout_ms: 300 })).toMatchObject({
          output: 'begun\n[timed out after 300 ms; it was killed]',
          isError: true,
        })
      })

      test('says that everything was ended with it', async () => {
        const { output, isError } = await tools.use('bash', { command: 'echo begun; kill -9 -1; sleep 20' })
        expect(output).toContain('every process of the sandbox was ended')
        expect(isError).toBe(true)
      })

      test('shows head, tail and exit code of a long output within the limit, and says where the rest is', async () => {
        const { output, truncated, outputFile } = await tools.use('bash', {
          command: 'echo first; i=0; while [ $i -lt 9000 ]; do echo 0123456789; i=$((i+1)); done; echo last; exit 3',
        })
        expect(Buffer.byteLength(output)).toBeLessThanOrEqual(30_000)
        expect(output).toMatch(/^first\n/)
        expect(output).toMatch(/\nlast\n\[the whole output is in .*\]\n\[exit code 3\]$/)
        expect(truncated).toBe(true)
        expect(await tools.shell(`wc -c <${outputFile}`)).toBe('99011\n')
      })
    })

    describeFileTools(tools)
    describeEdit(tools)
    describeSearchTools(tools)

    test.each([
      ['bash', { command: 'echo out; exit 3' }],
      ['write', { file_path: `${folder}/collected`, content: 'x' }],
      ['edit', { file_path: `${folder}/collected`, old_string: 'x', new_string: 'y' }],
      ['read', { file_path: `${folder}/collected` }],
      ['glob', { pattern: `${folder}/collected` }],
      ['grep', { pattern: 'y', path: `${folder}/collected` }],
    ])('what another worker started with %s is collected with the same outcome, and not run again', async (tool, input) => {
      const context = contextOf()
      const { durationMs: _ran, ...outcome } = await findTool(tool).run(input, context)
      expect(await findTool(tool).collect(input, context)).toMatchObject(outcome)
    })
  })
}

const withPrefix = (sandbox: Sandbox, prefix: string): Sandbox =>
  new Proxy(sandbox, {
    get: (target, key) => {
      if (key === 'run') return ((call, signal) => target.run({ ...call, script: prefix + call.script }, signal)) satisfies Sandbox['run']
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
