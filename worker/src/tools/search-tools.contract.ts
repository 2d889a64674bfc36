import { beforeAll, describe, expect, test } from 'vitest'
import type { ToolsUnderTest } from './tools.contract.ts'

export const describeSearchTools = ({ folder, hasRipgrep, use, shell }: ToolsUnderTest): void => {
  describe('glob and grep', () => {
    const at = `${folder}/tree`
    beforeAll(async () => {
      await shell(`mkdir -p tree/src/deep tree/node_modules/m tree/.git tree/dist && cd tree
echo needle >src/a.ts; printf 'x\\na Needle 42\\nneedle\\n' >src/deep/b.ts; echo needle >src/c.py; echo needle >node_modules/m/c.ts; echo needle >.git/d.ts
printf 'needle\\0' >bin.ts; echo x >.hidden.ts; echo needle >dist/out.js; echo dist >.gitignore; echo odd >"$(printf 'src/new\\nline.txt')"`)
    })

    test('paths are found by pattern, sorted, and named so that the other tools take them', async () => {
      const see = async (input: object) => (await use('glob', input)).output.split('\n')
      expect(await see({ pattern: '**/*.ts', path: at })).toEqual(
        ['.hidden.ts', 'bin.ts', 'src/a.ts', 'src/deep/b.ts'].map((name) => `${at}/${name}`),
      )
      expect(await see({ pattern: `${at}/src/**/*.{ts,py}` })).toEqual([`${at}/src/a.ts`, `${at}/src/c.py`, `${at}/src/deep/b.ts`])
      expect(await see({ pattern: `/workspace/${at}/*.ts` })).toEqual([`${at}/.hidden.ts`, `${at}/bin.ts`])
      expect(await see({ pattern: '[a-b].?s', path: `/workspace/${at}/src/` })).toEqual([`${at}/src/a.ts`])
      expect(await see({ pattern: 'src/deep/b.ts', path: at })).toEqual([`${at}/src/deep/b.ts`])
      expect(await see({ pattern: '{src,node_modules/m}/*.ts', path: at })).toEqual([`${at}/node_modules/m/c.ts`, `${at}/src/a.ts`])
      expect(await see({ pattern: '*.ts', path: `${at}/node_modules/m` })).toEqual([`${at}/node_modules/m/c.ts`])
      expect(await see({ pattern: '**/.git*', path: at })).toEqual([`${at}/.gitignore`])
      expect(await see({ pattern: '**/*.txt', path: at })).toEqual([`${at}/src/new?line.txt`])
      expect(await see({ pattern: '/etc/host[n]ame' })).toEqual(['/etc/hostname'])
    })

    test('a pattern that nothing matches is no error, a directory that is not there is one', async () => {
      expect(await use('glob', { pattern: '*.none', path: at })).toMatchObject({
        output: 'No file matches.',
        isError: false,
        truncated: false,
      })
      expect(await use('glob', { pattern: 'nowhere/*' })).toMatchObject({ output: 'No file matches.', isError: false })
      expect(await use('glob', { pattern: '*', path: 'nowhere' })).toMatchObject({
        output: 'There is no directory nowhere.',
        isError: true,
      })
    })

    test('of many paths the first are shown, within the limit, and the rest is counted', async () => {
      await shell('mkdir many; cd many; i=100; while [ $i -lt 400 ]; do : >"file-$i"; i=$((i+1)); done')
      const { output, truncated } = await use('glob', { pattern: '*', path: `${folder}/many` })
      expect([output.split('\n').length, output.split('\n').at(-1), truncated]).toEqual([201, '[and 100 more]', true])
      const short = await use('glob', { pattern: '*', path: `${folder}/many` }, { maxOutputBytes: 2_000 })
      expect(Buffer.byteLength(short.output)).toBeLessThanOrEqual(2_000)
      expect(short.output).toMatch(/\n\[and 2\d\d more\]$/)
    })

    test('lines are found by a regular expression', async () => {
      const see = async (input: object) => (await use('grep', input)).output.split('\n').sort()
      const found = ['src/a.ts:1:needle', 'src/c.py:1:needle', 'src/deep/b.ts:3:needle'].map((name) => `${at}/${name}`)
      expect(await see({ pattern: '^needle$', path: `${at}/src` })).toEqual(found)
      expect(await see({ pattern: '^needle$', path: at })).toEqual(hasRipgrep() ? found : [`${at}/dist/out.js:1:needle`, ...found])
      expect(await see({ pattern: 'needle( [0-9]+)?$', path: at, ignore_case: true, glob: '*.{ts,md}' })).toEqual([
        found[0],
        `${at}/src/deep/b.ts:2:a Needle 42`,
        found[2],
      ])
      expect(await see({ pattern: 'needle', path: `${at}/src`, output_mode: 'files' })).toEqual([
        `${at}/src/a.ts`,
        `${at}/src/c.py`,
        `${at}/src/deep/b.ts`,
      ])
      expect(await see({ pattern: '42', path: `/workspace/${at}/src/deep/b.ts` })).toEqual([`${at}/src/deep/b.ts:2:a Needle 42`])
      expect(await see({ pattern: 'needle', path: `${at}/node_modules` })).toEqual([`${at}/node_modules/m/c.ts:1:needle`])
      expect(await see({ pattern: '-n', path: at })).toEqual(['No line matches.'])
    })

    test('what is no pattern, and what is not there, is said', async () => {
      expect(await use('grep', { pattern: 'absent', path: at })).toMatchObject({ output: 'No line matches.', isError: false })
      expect(await use('grep', { pattern: 'absent', path: at, output_mode: 'files' })).toMatchObject({
        output: 'No file matches.',
        isError: false,
      })
      expect(await use('grep', { pattern: 'a(', path: at })).toMatchObject({
        isError: true,
        output: expect.stringMatching(/unclosed group|[Uu]nmatched \(/),
      })
      expect(await use('grep', { pattern: 'x', path: 'nowhere' })).toMatchObject({ isError: true, output: 'nowhere does not exist.' })
    })

    test('many lines and long lines are cut, and said to be', async () => {
      await shell(
        'i=0; while [ $i -lt 300 ]; do echo "hit $i"; i=$((i+1)); done >hits; { printf "hit é"; head -c 100000 /dev/zero | tr "\\0" x; } >wide-hit',
      )
      const { output, truncated, isError } = await use('grep', { pattern: 'hit', path: `${folder}/hits` })
      expect(output).toBe(
        `${Array.from({ length: 200 }, (_, line) => `${folder}/hits:${line + 1}:hit ${line}`).join('\n')}\n[there are more: narrow the pattern or the path]`,
      )
      expect({ truncated, isError }).toEqual({ truncated: true, isError: false })
      const wide = await use('grep', { pattern: 'hit', path: `${folder}/wide-hit` })
      expect(wide).toMatchObject({ output: expect.stringMatching(/^(full|bare)\/wide-hit:1:hit éx{470,480} \[…\]$/), truncated: false })
    })
  })
}
