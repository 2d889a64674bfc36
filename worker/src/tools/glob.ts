import { matchGlob } from '../workspace/match-glob.ts'
import { toFailure } from './read.ts'
import { pathProblem, quote, quotePath, textProblem } from './shell-text.ts'
import { createScriptTool } from './tool.ts'

const timeoutMs = 60_000
const maxListBytes = 8_000_000
const maxShown = 500

export const glob = createScriptTool({
  definition: {
    name: 'glob',
    description: `Finds files by a pattern of their path, such as **/*.ts or src/*.{js,json}. Folders named .git and node_modules are left out unless the pattern names them. Shows up to ${maxShown}.`,
    inputSchema: {
      type: 'object',
      properties: {
        pattern: { type: 'string', description: 'Relative to path. * and ? within a name, ** for any folders, [a-z], {a,b}.' },
        path: { type: 'string', description: 'The folder to search; /workspace by default.' },
      },
      required: ['pattern'],
      additionalProperties: false,
    },
  },
  subject: ({ pattern }) => pattern,
  plan: ({ pattern, path = '/workspace' }) => {
    const problem =
      textProblem('pattern', pattern, 1_000) ?? pathProblem('path', path) ?? (pattern === '' ? 'pattern must not be empty.' : null)
    if (problem !== null) return { problem }
    const left = ['.git', 'node_modules'].filter((name) => !String(pattern).includes(name)).map((name) => `-name ${name} -prune -o`)
    const script = `cd ${quotePath(String(path))} 2>/dev/null || { printf 'There is no folder %s.\\n' ${quote(String(path))}; exit 2; }
find . ${left.join(' ')} ! -type d -print 2>/dev/null | head -c ${maxListBytes}`
    return { timeoutMs, script, maxOutputBytes: maxListBytes * 2 }
  },
  parse: ({ pattern }, result, maxOutputBytes) => {
    if (result.exitCode !== 0) return toFailure(result)
    const wanted = String(pattern).replace(/^\.?\//, '')
    const found = result.output
      .split('\n')
      .flatMap((line) => (line.startsWith('./') && matchGlob(wanted, line.slice(2)) ? [line.slice(2)] : []))
    if (found.length === 0) return { output: 'No file fits.', isError: false, truncated: false, outputFile: null }
    const shown: string[] = []
    let room = maxOutputBytes - 100
    for (const path of found.sort().slice(0, maxShown)) {
      room -= Buffer.byteLength(path) + 1
      if (room < 0) break
      shown.push(path)
    }
    const more = found.length - shown.length
    if (more > 0) shown.push(`[and ${more} more]`)
    return { output: shown.join('\n'), isError: false, truncated: more > 0, outputFile: null }
  },
})
