import { toFailure } from './read.ts'
import { pathProblem, quote, quotePath, textProblem } from './shell-text.ts'
import { createScriptTool } from './tool.ts'

const timeoutMs = 60_000
const maxLineLength = 500

export const grep = createScriptTool({
  definition: {
    name: 'grep',
    description:
      'Searches files for a regular expression, line by line. Answers path, line number and line. Folders named .git and node_modules and binary files are left out.',
    inputSchema: {
      type: 'object',
      properties: {
        pattern: { type: 'string', description: 'A regular expression (ripgrep where the image has it, else grep -E).' },
        path: { type: 'string', description: 'File or folder to search; /workspace by default.' },
      },
      required: ['pattern'],
      additionalProperties: false,
    },
  },
  subject: ({ pattern }) => pattern,
  plan: ({ pattern, path = '/workspace' }) => {
    const problem =
      textProblem('pattern', pattern, 10_000) ?? pathProblem('path', path) ?? (pattern === '' ? 'pattern must not be empty.' : null)
    if (problem !== null) return { problem }
    const expression = quote(String(pattern))
    // From the folder itself, so that paths come out relative to it.
    const script = `p=${quotePath(String(path))}
if [ -d "$p" ]; then cd "$p" || exit 2; set -- .; elif [ -e "$p" ]; then set -- "$p"; else printf 'There is no %s.\\n' ${quote(String(path))}; exit 2; fi
if command -v rg >/dev/null; then
  exec rg --no-config --no-heading --with-filename --line-number --color never --hidden --no-ignore --sort path -g '!.git' -g '!node_modules' --max-columns ${maxLineLength} --max-columns-preview -e ${expression} -- "$@"
fi
grep -E -e ${expression} /dev/null; [ $? -lt 2 ] || exit 2
find "$@" -name .git -prune -o -name node_modules -prune -o -type f -exec grep -InE -e ${expression} /dev/null {} +`
    return { timeoutMs, script }
  },
  parse: (_input, result) => {
    // 1: nothing found. `find` answers with 1 for that too, and for a file that grep could not read.
    if (result.exitCode === 1 && !result.timedOut)
      return result.output === '' ? { output: 'No line fits.', isError: false } : { output: toLines(result.output), isError: false }
    if (result.exitCode !== 0) return toFailure(result)
    return { output: toLines(result.output), isError: false }
  },
})

const toLines = (output: string): string =>
  output
    .split('\n')
    .map((line) => line.replace(/^\.\//, ''))
    .map((line) => (line.length > maxLineLength * 2 ? `${line.slice(0, maxLineLength).toWellFormed()} […]` : line))
    .join('\n')
    .trimEnd()
