import { describe, expect, test } from 'vitest'
import type { ToolsUnderTest } from './tools.contract.ts'

export const describeFileTools = ({ folder, use, shell }: ToolsUnderTest): void => {
  describe('read and write', () => {
    test('a file is made with its directories, replaced, and keeps its mode; read numbers its lines', async () => {
      const content = `it's "a" \\n $HOME \`x\`\n\n\tä 💡\r\nlast without end`
      const path = `${folder}/new dir/it's.txt`
      expect(await use('write', { file_path: path, content })).toMatchObject({
        output: `Created ${path} (${Buffer.byteLength(content)} bytes).`,
        isError: false,
        exitCode: null,
      })
      expect(await shell(`cat "new dir/it's.txt"; chmod 755 "new dir/it's.txt"`)).toBe(content)
      expect((await use('read', { file_path: `/workspace/${path}` })).output).toBe(
        `     1\tit's "a" \\n $HOME \`x\`\n     2\t\n     3\t\tä 💡\r\n     4\tlast without end`,
      )
      expect(await use('write', { file_path: path, content: '' })).toMatchObject({ output: `Overwrote ${path} (0 bytes).` })
      expect(await shell('ls -lA "new dir"')).toMatch(/^total 0\n-rwxr-xr-x .* 0 .*\n$/)
    })

    test('what is written is what is there, however long', async () => {
      const content = `${'0123456789abcdeä\n'.repeat(60_000)}\n\n`
      expect(await use('write', { file_path: `${folder}/long`, content })).toMatchObject({ isError: false })
      expect((await shell('cat long')) === content).toBe(true)
    })

    test('a file that can not be written whole stays as it was, and nothing is left beside it', async () => {
      await shell('mkdir whole; echo old >whole/file')
      const before = "ulimit -f 8; trap '' XFSZ"
      expect(await use('write', { file_path: `${folder}/whole/file`, content: 'x'.repeat(50_000) }, { before })).toMatchObject({
        isError: true,
      })
      expect(
        await use('edit', { file_path: `${folder}/whole/file`, old_string: 'old', new_string: 'x'.repeat(50_000) }, { before }),
      ).toMatchObject({ isError: true })
      expect(await shell('cat whole/file; ls -A whole')).toBe('old\nfile\n')
    })

    test('a link is followed, and stays', async () => {
      await shell('mkdir linked; echo old >linked/target; ln -s linked/target link; ln -s nowhere/at/all astray')
      expect(await use('write', { file_path: `${folder}/link`, content: 'new' })).toMatchObject({ isError: false })
      expect(await use('edit', { file_path: `${folder}/link`, old_string: 'n', new_string: 'N' })).toMatchObject({ isError: false })
      expect(await shell('cat linked/target; [ -h link ] && echo link')).toBe('New' + 'link\n')
      expect(await use('write', { file_path: `${folder}/astray`, content: 'x' })).toMatchObject({
        isError: true,
        output: `${folder}/astray is a link that leads nowhere.`,
      })
    })

    test('what may not be written is said so; a file in a directory that may not be written can be', async () => {
      await shell('echo old >fixed; chmod 444 fixed; mkdir shut; echo old >shut/file; chmod 555 shut')
      expect(await use('write', { file_path: `${folder}/fixed`, content: 'x' })).toMatchObject({
        isError: true,
        output: `${folder}/fixed is read-only.`,
      })
      expect(await use('write', { file_path: `${folder}/shut/new`, content: 'x' })).toMatchObject({
        isError: true,
        output: `The directory of ${folder}/shut/new may not be written.`,
      })
      expect(await use('write', { file_path: `${folder}/shut/file`, content: 'new' })).toMatchObject({ isError: false })
      expect(await shell('cat fixed shut/file; chmod 755 shut')).toBe('old\nnew')
    })

    test('each tool says what stands in the place of a file', async () => {
      await shell("printf 'a\\0b' >binary; : >empty; mkfifo pipe; mkdir sub")
      const wrong = [
        ['sub', 'is a directory.'],
        ['pipe', 'is not a regular file.'],
        ['nowhere', 'does not exist.'],
        ['binary', 'is a binary file: use bash'],
      ] as const
      for (const [name, sentence] of wrong) {
        const output = expect.stringContaining(`${folder}/${name} ${sentence}`)
        expect(await use('read', { file_path: `${folder}/${name}` })).toMatchObject({ isError: true, output })
        expect(await use('edit', { file_path: `${folder}/${name}`, old_string: 'a', new_string: 'b' })).toMatchObject({
          isError: true,
          output,
        })
        if (name === 'sub' || name === 'pipe')
          expect(await use('write', { file_path: `${folder}/${name}`, content: 'b' })).toMatchObject({ isError: true, output })
      }
      expect(await use('write', { file_path: `${folder}/empty/below`, content: 'b' })).toMatchObject({
        isError: true,
        output: expect.stringMatching(/^mkdir: /),
      })
      expect(await use('read', { file_path: `${folder}/empty` })).toMatchObject({ isError: false, output: '[the file is empty]' })
    })

    test('a path is only a path, whatever it looks like', async () => {
      const paths = [
        '-rf',
        '-',
        '$(touch pwned)',
        '`touch pwned`',
        "';touch pwned;'",
        'a\nb',
        'end\n',
        '*',
        '~',
        ' ',
        '"',
        '\\',
        'a=b',
        '%s',
        'ä💡',
      ]
      for (const name of paths) {
        const path = `${folder}/odd/${name}`
        expect(await use('write', { file_path: path, content: name })).toMatchObject({ isError: false })
        expect((await use('read', { file_path: path })).output).toContain(name.split('\n')[0])
        expect(await use('edit', { file_path: path, old_string: name, new_string: `edited` })).toMatchObject({ isError: false })
        expect(await use('grep', { pattern: 'edited', path })).toMatchObject({
          isError: false,
          output: expect.stringMatching(/:1:edited$/),
        })
      }
      expect(await shell('cd odd; cat ./*; ls -A | wc -l; find "$WORKSPACE" -name pwned')).toBe(
        `${'edited'.repeat(paths.length)}${paths.length + 2}\n`,
      )
    })

    test('paths outside of the workspace are the agent’s too', async () => {
      const path = (await shell('mktemp /tmp/longhaul-outside.XXXXXX')).trim()
      expect(await use('write', { file_path: path, content: 'x' })).toMatchObject({ output: `Overwrote ${path} (1 bytes).` })
      expect(await use('read', { file_path: path })).toMatchObject({ output: '     1\tx' })
      expect(await use('grep', { pattern: 'x', path })).toMatchObject({ output: `${path}:1:x` })
      await shell(`rm ${path}`)
    })

    test('a large file is read in parts, each within the limit, and none of its lines is lost', async () => {
      const lines = Array.from({ length: 3_000 }, (_, at) => `line ${at + 1} 💡`)
      await use('write', { file_path: `${folder}/large`, content: `${lines.join('\n')}\n` })
      const seen: string[] = []
      for (let next = 1; next > 0; ) {
        const { output, truncated } = await use(
          'read',
          { file_path: `${folder}/large`, view_range: [next, -1] },
          { maxOutputBytes: 20_000 },
        )
        expect(Buffer.byteLength(output)).toBeLessThanOrEqual(20_000)
        seen.push(
          ...output
            .split('\n')
            .filter((line) => line.includes('\t'))
            .map((line) => line.slice(7)),
        )
        next = Number(/of 3000; read on with view_range \[(\d+), -1\]\]$/.exec(output)?.[1] ?? 0)
        expect(truncated).toBe(next > 0)
      }
      expect(seen).toEqual(lines)
    })

    test('a range is shown with where it lies', async () => {
      await shell("printf 'a\\nb\\nc\\nd' >four")
      const see = async (range: number[]) => (await use('read', { file_path: `${folder}/four`, view_range: range })).output
      expect(await see([2, 3])).toBe('     2\tb\n     3\tc\n[lines 2-3 of 4]')
      expect(await see([4, -1])).toBe('     4\td\n[lines 4-4 of 4]')
      expect(await see([1, 99])).toBe('     1\ta\n     2\tb\n     3\tc\n     4\td')
      expect(await use('read', { file_path: `${folder}/four`, view_range: [5, 6] })).toMatchObject({
        isError: true,
        output: 'The file has only 4 lines.',
      })
    })

    test('a long line is cut between characters', async () => {
      await use('write', { file_path: `${folder}/wide`, content: `a${'ä'.repeat(500_000)}\nnext` })
      expect((await use('read', { file_path: `${folder}/wide` })).output).toBe(
        `     1\ta${'ä'.repeat(999)} [… 998002 bytes more]\n     2\tnext`,
      )
    })
  })
}
