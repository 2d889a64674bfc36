import { toFailure } from './read.ts'
import { pathProblem, quote, quotePath, textProblem } from './shell-text.ts'
import { createScriptTool } from './tool.ts'

const timeoutMs = 30_000
const maxContentBytes = 5_000_000

export const write = createScriptTool({
  definition: {
    name: 'write',
    description: 'Writes a file of the sandbox, with the folders it lies in. What was there before is replaced.',
    inputSchema: {
      type: 'object',
      properties: {
        file_path: { type: 'string', description: 'Absolute, or relative to /workspace.' },
        content: { type: 'string', description: 'The whole content.' },
      },
      required: ['file_path', 'content'],
      additionalProperties: false,
    },
  },
  subject: ({ file_path: path }) => path,
  plan: ({ file_path: path, content }) => {
    const problem = pathProblem('file_path', path) ?? textProblem('content', content, maxContentBytes)
    if (problem !== null) return { problem }
    // In place, so that an existing file keeps its mode. `printf` is the shell's own: no limit on arguments holds for it.
    const script = `f=${quotePath(String(path))}
if [ -d "$f" ]; then printf '%s is a folder.\\n' ${quote(String(path))}; exit 2; fi
d=\${f%/*}
[ -z "$d" ] || mkdir -p "$d" || exit 2
did=Created
[ -e "$f" ] && did=Replaced
printf '%s' ${quote(String(content).toWellFormed())} >"$f" || exit 2
printf '%s\\n' "$did"`
    return { timeoutMs, script }
  },
  parse: ({ file_path: path, content }, result) => {
    if (result.exitCode !== 0) return toFailure(result)
    return { output: `${result.output.trim()} ${path} (${Buffer.byteLength(String(content))} bytes).`, isError: false }
  },
})
