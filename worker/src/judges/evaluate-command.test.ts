import { type CommandSpec, parseConditionSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { digestManifest } from '@longhaul/core/src/conditions/manifest.ts'
import type { Condition } from '@longhaul/core/src/conditions/read-conditions.ts'
import { parseConfig } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packWorkspace } from '../../testing/pack-workspace.ts'
import { openSandboxProvider } from '../sandboxes/open-sandbox-provider.ts'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'
import type { Stretch } from '../turn/stretch.ts'
import { readManifest } from '../workspace/read-manifest.ts'
import { copyWorkspace } from './copy-workspace.ts'
import { evaluateCommand } from './evaluate-command.ts'
import { BaselineError } from './open-baseline.ts'

type Files = Parameters<typeof packWorkspace>[0]

const config = parseConfig({ DATABASE_URL: `postgres://localhost/judges_${process.pid}`, SANDBOX_IMAGE: process.env['SANDBOX_IMAGE'] })
const logger = createLogger({ name: 'test', level: 'silent' })
const never = new AbortController().signal
let provider: SandboxProvider
beforeAll(async () => {
  provider = await openSandboxProvider(config, logger)
})
afterAll(async () => {
  expect(await provider.list()).toEqual([])
})

/** Only what a check needs of a stretch: where it runs, and who asks. */
const stretchOf = (image: string) => {
  const environmentVersion = {
    id: 'evv',
    image,
    cpus: 1,
    memoryMb: 256,
    diskMb: 256,
    network: 'NONE',
    setupHash: null,
    idleSeconds: null,
    keepAwakeSeconds: 0,
  }
  const claim = { tenantId: 'tnt_test', session: { id: `ses_${Math.random().toString(36).slice(2)}` }, environmentVersion }
  return { parts: { sandboxes: { provider }, atPoint: () => {} }, claim } as unknown as Stretch
}

const judge = async (
  command: Record<string, unknown>,
  {
    now,
    before = now,
    unchanged = [],
    image = config.sandboxImage,
    signal = never,
  }: { now: Files; before?: Files | null; unchanged?: string[]; image?: string; signal?: AbortSignal },
) => {
  const copy = await copyWorkspace(packWorkspace(now), { maxBytes: 10 * 2 ** 20, signal: never })
  const baseline = async () => {
    if (before === null) throw new BaselineError('none was taken')
    return { manifest: await readManifest(packWorkspace(before)), open: async () => packWorkspace(before) }
  }
  const open: Condition[] =
    unchanged.length === 0 ? [] : [{ id: 'cnd', name: 'tests stay', status: 'PENDING', kind: 'UNCHANGED', spec: { paths: unchanged } }]
  try {
    const spec = parseConditionSpec({ command }, 'spec').spec as CommandSpec
    return await evaluateCommand({ stretch: stretchOf(image), open, copy, setUpImageId: null, baseline }, spec, signal)
  } finally {
    expect(digestManifest(await readManifest(copy.open()))).toBe(copy.digest)
    await copy.close()
  }
}

describe('a COMMAND condition', () => {
  it('holds when the command exits as expected, in /workspace, on the copied files', async () => {
    expect(await judge({ run: 'test "$PWD" = /workspace && grep -q two src/b.txt' }, { now: { 'src/b.txt': 'one two' } })).toMatchObject({
      verdict: 'SATISFIED',
      evidence: { exitCode: 0 },
    })
    expect((await judge({ run: 'exit 3', expectExit: 3 }, { now: {} })).verdict).toBe('SATISFIED')
  })

  it('tells the agent the exit code and the end of the output', async () => {
    const judged = await judge({ run: 'seq 1 5000; echo the cause >&2; exit 7' }, { now: {} })
    expect(judged).toMatchObject({ verdict: 'UNSATISFIED', evidence: { exitCode: 7, expectExit: 0, timedOut: false } })
    expect(judged.explanation).toContain('exited with 7')
    expect(judged.explanation).toContain('the cause')
    expect(judged.explanation).not.toContain('\n17\n')
    expect(judged.explanation.length).toBeLessThan(4_000)
  })

  it('does not hold when its time is up', async () => {
    const judged = await judge({ run: 'echo begun; sleep 60', timeoutSeconds: 1 }, { now: {} })
    expect(judged).toMatchObject({ verdict: 'UNSATISFIED', evidence: { timedOut: true } })
    expect(judged.explanation).toContain('within 1 second')
    expect(judged.explanation).toContain('begun')
  })

  it('is an ERROR where it could not be run', async () => {
    expect(await judge({ run: 'true' }, { now: {}, image: 'longhaul-test/no-such-image:1' })).toMatchObject({
      verdict: 'ERROR',
      evidence: { exitCode: null },
    })
  })

  it('gives no verdict when it is stopped from outside', async () => {
    const abort = new AbortController()
    const judged = judge({ run: 'sleep 60' }, { now: {}, signal: abort.signal })
    while (!(await provider.list()).some(({ running }) => running)) await new Promise((resolve) => setTimeout(resolve, 20))
    abort.abort(new Error('a person interrupted'))
    await expect(judged).rejects.toThrow('a person interrupted')
  })
})

describe('protected paths, while a command runs', () => {
  const run = 'find tests | sort | xargs ls -ld | cut -c1-4 && cat tests/a.txt tests/deep/b.txt && ls tests | tr "\\n" " "'
  const before = { 'tests/a.txt': 'A', 'tests/deep/b.txt': 'B', 'src/code': 'old' }
  const output = async (now: Files, more: { protect?: string[]; unchanged?: string[] }) => {
    const judged = await judge(
      { run: `${run}; echo; cat src/code; exit 1`, protect: more.protect ?? [] },
      { now, before, unchanged: more.unchanged ?? [] },
    )
    return judged.explanation
  }

  it.each([
    ['rewritten', { 'tests/a.txt': 'mine', 'tests/deep/b.txt': 'mine', 'src/code': 'new' }],
    ['deleted', { 'src/code': 'new' }],
    ['joined by new ones', { ...before, 'tests/conftest.py': 'mine', 'src/code': 'new' }],
    [
      'links to what the agent wrote',
      { 'tests/a.txt': { link: '../src/code' }, 'tests/deep': { link: '../src' }, 'src/code': 'new', 'src/b.txt': 'mine' },
    ],
    ['behind a link that was their folder', { tests: { link: 'src' }, 'src/code': 'new', 'src/a.txt': 'mine' }],
    ['under a file that was their folder', { tests: 'mine', 'src/code': 'new' }],
  ] as [string, Files][])('are as they were when they are %s', async (_how, now) => {
    const seen = await output(now, { protect: ['tests/**'] })
    expect(seen).toContain('ABa.txt deep')
    expect(seen).not.toContain('mine')
    expect(seen).not.toContain('conftest.py \n')
    expect(seen).toContain('new')
    expect(seen).toContain('These paths are protected')
  })

  it('are those of other conditions too, which must not change', async () => {
    expect(await output({ 'src/code': 'new' }, { unchanged: ['tests/**'] })).toContain('ABa.txt deep')
  })

  it('can not be put back without a baseline: the check fails closed', async () => {
    await expect(judge({ run: 'true', protect: ['tests/**'] }, { now: before, before: null })).rejects.toThrow(BaselineError)
    expect((await judge({ run: 'true' }, { now: before, before: null })).verdict).toBe('SATISFIED')
  })
})
