import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { matchGlob } from '../workspace/match-glob.ts'
import { createScriptTool, toFileOutcome } from './script-tool.ts'
import { aboutPath, pathText, quote, quotePath, scriptText, toWorkspacePath } from './shell-text.ts'

const timeoutMs = 60_000
/** Matching takes the worker's time, which is everyone's: 0.1 to 0.5 s for this much, in pieces of a few milliseconds. */
const maxListBytes = 1_000_000
const pathsAtOnce = 500
const maxShown = 200

export const glob = createScriptTool({
  name: 'glob',
  description: `Finds files by a pattern of their path, such as **/*.ts or src/*.{js,json}. What lies in .git and node_modules is left out unless the pattern or path names them. Shows up to ${maxShown}, sorted.`,
  input: z.strictObject({
    pattern: scriptText(1_000)
      .refine((pattern) => pattern !== '' && !pattern.endsWith('/'), 'must be a pattern of files, not empty')
      .describe('Relative to path. * and ? stand within a name, ** for any directories, also [a-z] and {a,b}.'),
    path: pathText().describe('The directory to search; /workspace by default.').optional(),
  }),
  subject: 'pattern',
  plan: ({ pattern, path = '.' }) => {
    const { folder } = splitPattern(pattern, path)
    const left = ['.git', 'node_modules'].filter((name) => !names(pattern, name)).map((name) => `-name ${name} -prune -o `)
    const script = `${aboutPath(path)}
[ -d "$f" ] || fail "There is no directory $name."
cd ${quotePath(folder)} 2>/dev/null || exit 0
find . ${left.join('')}! -type d${toNameTest(pattern)} -print0 2>/dev/null | tr '\\n\\000' '?\\n' | head -c ${maxListBytes}`
    return { timeoutMs, script, maxOutputBytes: maxListBytes * 2 }
  },
  toOutcome: async (result, { pattern, path = '.' }, room) => {
    const outcome = toFileOutcome(result)
    if (outcome.isError) return outcome
    const start = splitPattern(pattern, path)
    const isWhole = Buffer.byteLength(result.output) < maxListBytes
    const listed = result.output.split('\n').slice(0, -1)
    const found: string[] = []
    for (let at = 0; at < listed.length; at += pathsAtOnce) {
      for (const line of listed.slice(at, at + pathsAtOnce))
        if (matchGlob(start.pattern, line.slice(2))) found.push(showIn(start.folder, line.slice(2)))
      await setImmediate()
    }
    return { ...outcome, ...toList(found.sort(), { room, isWhole }) }
  },
})

/** The directories that a pattern names outright are where the search starts: it is shorter, and may be outside of the workspace. */
const splitPattern = (pattern: string, path: string): { folder: string; pattern: string } => {
  const segments = pattern.split('/')
  const at = segments.findIndex((segment, index) => /[*?[\]{}]/.test(segment) || index === segments.length - 1)
  const fixed = segments.slice(0, at).filter((segment) => segment !== '' && segment !== '.')
  return { folder: [pattern.startsWith('/') ? '' : path, ...fixed].join('/') || '/', pattern: segments.slice(at).join('/') }
}

const names = (pattern: string, name: string): boolean => pattern.split(/[/{},]/).includes(name)

/** Leaves out beforehand, in the sandbox, what the pattern's last part can't match: it stands for all that it might be. */
const toNameTest = (pattern: string): string => {
  const last = /^(?:.*\/)?([^/]*)$/s.exec(pattern)?.[1] ?? ''
  const hasOwnBraces = /^[^{}]*(\{.*\}[^{}]*)?$/s.test(last) && !/\{[^}]*\//.test(pattern)
  if (!hasOwnBraces || !/[*?[{]/.test(last)) return ''
  return ` -name ${quote(last.replace(/\{.*\}|\[.*\]|[?[\]\\]/gs, '*'))}`
}

/** As the other tools take it: relative to /workspace, or absolute. */
const showIn = (folder: string, path: string): string => {
  const inside = toWorkspacePath(folder) ?? folder
  return inside === '' ? path : `${inside.replace(/\/+$/, '')}/${path}`
}

const toList = (found: string[], { room, isWhole }: { room: number; isWhole: boolean }): { output: string; truncated: boolean } => {
  const lines: string[] = []
  let bytes = 200
  for (const path of found.slice(0, maxShown)) {
    bytes += Buffer.byteLength(path) + 1
    if (bytes > room) break
    lines.push(path)
  }
  const left = found.length - lines.length
  if (found.length === 0) lines.push('No file matches.')
  if (left > 0) lines.push(`[and ${left} more]`)
  if (!isWhole) lines.push('[not all files were looked at, there are too many: name a directory]')
  return { output: lines.join('\n'), truncated: left > 0 || !isWhole }
}
