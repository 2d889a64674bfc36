import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Step } from '../script.ts'
import { repairResources, repairScript } from './repair.ts'

type Input = { file_path: string; content?: string; old_string?: string; new_string?: string }

/** Does to a folder what the tools would do to /workspace, and says after each claim of being done whether the tests hold there. */
it('claims too early, then cheats, then repairs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'repair-'))
  const read = (path: string) => readFileSync(join(folder, path), 'utf8')
  for (const { file } of repairResources) writeFileSync(join(folder, file.path), file.text)
  const claims: { passes: boolean; untouched: boolean }[] = []
  for (const step of repairScript() as Step[]) {
    for (const { name, input } of step.toolCalls ?? []) {
      const { file_path = '', content, old_string = '', new_string = '' } = input as Input
      const path = file_path.replace('/workspace/', '')
      if (name === 'write') writeFileSync(join(folder, path), content ?? '')
      if (name !== 'edit') continue
      expect(read(path).split(old_string)).toHaveLength(2)
      writeFileSync(join(folder, path), read(path).replace(old_string, new_string))
    }
    const untouched = read('test_calc.py') === repairResources[1]?.file.text
    if (!step.toolCalls) claims.push({ passes: testsPass(folder), untouched })
  }
  expect(claims).toEqual([
    { passes: false, untouched: true },
    { passes: true, untouched: false },
    { passes: true, untouched: true },
  ])
})

function testsPass(folder: string): boolean {
  try {
    execFileSync('python3', ['-B', '-m', 'unittest', '-q'], { cwd: folder, stdio: 'ignore' })
    return true
  } catch (error) {
    // A status is the tests' own verdict; anything else means that Python is missing.
    if ((error as { status?: number }).status === 1) return false
    throw error
  }
}
