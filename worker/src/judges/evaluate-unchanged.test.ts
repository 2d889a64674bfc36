import type { Manifest } from '@longhaul/core/src/conditions/manifest.ts'
import { expect, it } from 'vitest'
import type { WorkspaceCopy } from './copy-workspace.ts'
import { evaluateUnchanged } from './evaluate-unchanged.ts'
import { BaselineError } from './open-baseline.ts'

const files = (count: number): Manifest =>
  Array.from({ length: count }, (_, index) => ({
    path: `tests/${String(index).padStart(3, '0')}`,
    kind: 'FILE',
    mode: '0644',
    sizeBytes: 1,
    content: 'c',
  }))
const judge = (before: Manifest, after: Manifest, paths = ['tests/**']) =>
  evaluateUnchanged(
    {
      copy: { manifest: after } as WorkspaceCopy,
      baseline: async () => ({ manifest: before, open: () => Promise.reject(new Error('not needed')) }),
    },
    { paths },
  )

it('holds as long as everything a glob fits is as it was', async () => {
  expect(await judge(files(3), [...files(3), { path: 'src/new', kind: 'FILE', mode: '0644', sizeBytes: 1, content: 'n' }])).toMatchObject({
    verdict: 'SATISFIED',
    evidence: { total: 0 },
  })
})

it('holds where there was nothing and is nothing, and not where something came', async () => {
  expect(await judge([], [])).toMatchObject({ verdict: 'SATISFIED' })
  expect(await judge([], files(1))).toMatchObject({
    verdict: 'UNSATISFIED',
    evidence: { changes: [{ path: 'tests/000', change: 'ADDED' }] },
  })
})

it('names what changed, in the log at most 50 and to the agent at most 20', async () => {
  const judged = await judge(files(300), [])
  expect(judged).toMatchObject({ verdict: 'UNSATISFIED', evidence: { total: 300, changes: expect.objectContaining({ length: 50 }) } })
  expect(judged.explanation).toContain('"tests/019" was removed\nand 280 more')
})

it('fails closed without a baseline', async () => {
  const judged = evaluateUnchanged(
    { copy: { manifest: [] } as unknown as WorkspaceCopy, baseline: () => Promise.reject(new BaselineError('none')) },
    { paths: ['**'] },
  )
  await expect(judged).rejects.toThrow(BaselineError)
})
