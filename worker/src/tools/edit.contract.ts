import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ToolsUnderTest } from './tools.contract.ts'

const pieces = [
  'a',
  'a',
  'b',
  '\n',
  '\r\n',
  '&',
  '\\',
  '\\n',
  '\\1',
  '$x',
  '`',
  "'",
  '"',
  ' ',
  '\t',
  'ä',
  '💡',
  '\u0001',
  '\u001b',
  '.',
  '*',
  '[',
  '%s',
  '/',
  '\ufeff',
]
const text = (maxLength: number) => fc.array(fc.constantFrom(...pieces), { maxLength }).map((parts) => parts.join(''))
const edits = fc
  .tuple(text(40), fc.nat(), fc.integer({ min: 1, max: 6 }), text(3), text(6), fc.boolean(), fc.boolean())
  .map(([content, start, length, other, newString, fromContent, all]) => {
    const chars = [...content]
    const from = start % (chars.length || 1)
    return { content, oldString: fromContent ? chars.slice(from, from + length).join('') : other, newString, all }
  })
  .filter(({ oldString, newString }) => oldString !== '' && oldString !== newString)

export const describeEdit = ({ folder, use, shell }: ToolsUnderTest): void => {
  describe('edit', () => {
    const path = `${folder}/edited`
    const edit = (oldString: string, newString: string, all?: boolean) =>
      use('edit', { file_path: path, old_string: oldString, new_string: newString, replace_all: all })

    test('replaces as a string is replaced, every byte else stays, and nothing changes when it refuses', async () => {
      await fc.assert(
        fc.asyncProperty(edits, async ({ content, oldString, newString, all }) => {
          await use('write', { file_path: path, content })
          const { isError, output } = await edit(oldString, newString, all)
          const count = content.split(oldString).length - 1
          const fits = count === 1 || (all && count > 1)
          expect(isError).toBe(!fits)
          expect(output).toContain(count === 0 ? 'does not occur' : fits ? `${count} replacement` : `occurs ${count} times`)
          expect(await shell('cat edited')).toBe(fits ? content.split(oldString).join(newString) : content)
        }),
        {
          numRuns: 40,
          examples: [
            [{ content: 'aaa', oldString: 'aa', newString: 'b', all: true }],
            [{ content: 'x\n\n', oldString: '\n\n', newString: '', all: false }],
          ],
        },
      )
    }, 60_000)

    test('names the lines', async () => {
      await use('write', { file_path: path, content: 'one\n\nsame\nsame same\nlast' })
      expect(await edit('same', 'x')).toMatchObject({
        isError: true,
        output: `${path}: old_string occurs 3 times, at lines 3, 4, 4. Make it longer, so that it is unique, or set replace_all.`,
      })
      expect(await edit('last', 'x')).toMatchObject({ output: `Edited ${path}: 1 replacement, at line 5.` })
      expect(await edit('same', 'same again', true)).toMatchObject({ output: `Edited ${path}: 3 replacements, at lines 3, 4, 4.` })
      await use('write', { file_path: path, content: 'x\n'.repeat(12) })
      expect(await edit('x', 'y')).toMatchObject({
        output: expect.stringContaining('occurs 12 times, at lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ….'),
      })
    })

    test('says so where only the ends of lines differ', async () => {
      await use('write', { file_path: path, content: 'a\r\nb\r\n' })
      expect(await edit('a\nb', 'x')).toMatchObject({
        isError: true,
        output: `${path}: old_string does not occur. It must match exactly, white space too. The file's lines end in \\r\\n.`,
      })
    })

    test('a file keeps its mode, and bytes that are no text', async () => {
      await shell("printf 'one \\377\\300\\ntwo' >edited; chmod 751 edited")
      expect(await edit('two', '2')).toMatchObject({ isError: false })
      expect(await shell('wc -c <edited; tail -n 1 edited; ls -l edited')).toMatch(/^8\n2-rwxr-x--x/)
    })

    test('long files, long strings and many places are no trouble', async () => {
      const line = `${'0123456789'.repeat(5)}\n`
      await use('write', { file_path: path, content: `${line.repeat(80_000)}end` })
      expect(await edit('end', 'X'.repeat(400_000))).toMatchObject({ isError: false, output: expect.stringContaining('at line 80001.') })
      expect(await edit('X'.repeat(400_000), 'fin')).toMatchObject({ isError: false })
      expect(await edit('56', '-', true)).toMatchObject({ isError: false, output: expect.stringContaining('400000 replacements') })
      expect(await shell('wc -c <edited; tail -n 2 edited')).toBe(`${80_000 * 46 + 3}\n${'01234-789'.repeat(5)}\nfin`)
    })
  })
}
