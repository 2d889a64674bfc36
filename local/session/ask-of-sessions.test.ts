import { expect, test } from 'vitest'
import { askOfSessions, renderDiff } from './ask-of-sessions.ts'
import { parseSessionOptions } from './parse-session-options.ts'

const parse = (...args: string[]) => parseSessionOptions(args, {}, 'k')
const page = (paths: string[], endCursor: string | null) => ({
  edges: paths.map((path) => ({ node: { path, change: 'ADDED' as const, patch: null } })),
  pageInfo: { hasNextPage: endCursor !== null, endCursor },
})

test('what is asked of sessions that are there needs no agent, and is read off the words', () => {
  expect(parse('--rewind', 'ckp_1')).toMatchObject({ rewind: 'ckp_1', axis: 'BOTH' })
  expect(parse('--rewind', 'ckp_1', '--axis', 'files', '--session', 'ses_2')).toMatchObject({ axis: 'FILES', sessionId: 'ses_2' })
  expect(parse('--compare', 'ses_1', 'ses_2')).toMatchObject({ compare: ['ses_1', 'ses_2'] })
  expect(parse('--diff', 'ses_1', '--from', 'ckp_1')).toMatchObject({ diff: 'ses_1', from: 'ckp_1' })
  expect(() => parse('--rewind', 'ckp_1', '--axis', 'time')).toThrow('files, conversation or both')
  expect(() => parse('--compare', 'ses_1')).toThrow('two sessions')
  expect(() => parse('--follow', 'ses_1', 'ses_2')).toThrow('ses_2')
})

test('differences are read page by page, and say so where there are none', async () => {
  const pages = new Map([
    [null, page(['/workspace/a'], 'one')],
    ['one', page(['/workspace/b'], null)],
  ])
  const request = async (_: string, variables: Record<string, unknown> = {}) =>
    ({ session: { diff: pages.get(variables['after'] as string | null) } }) as never
  expect(await askOfSessions({ request }, { url: '', key: '', diff: 'ses_1' })).toBe('ADDED    /workspace/a\nADDED    /workspace/b\n')
  expect(renderDiff([])).toBe('no file differs\n')
})

test('a patch stands below its file, without what would move the cursor', () => {
  const patch = '--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n+\u001b[2Jb\n'
  expect(renderDiff([{ path: '/workspace/x', change: 'MODIFIED', patch }])).not.toContain('\u001b')
})
