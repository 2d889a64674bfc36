import type { CommandResult } from '../sandboxes/sandbox.ts'
import { pathProblem, quote, quotePath } from './shell-text.ts'
import { createScriptTool, type ToolOutcome } from './tool.ts'

const timeoutMs = 30_000
const maxBytes = 200_000
const maxLines = 2_000
const maxLineLength = 2_000

export const read = createScriptTool({
  definition: {
    name: 'read',
    description: `Reads a text file of the sandbox, with line numbers, or lists a folder. Shows up to ${maxLines} lines; view_range picks others.`,
    inputSchema: {
      type: 'object',
      properties: {
        file_path: { type: 'string', description: 'Absolute, or relative to /workspace.' },
        view_range: {
          type: 'array',
          items: { type: 'integer' },
          minItems: 2,
          maxItems: 2,
          description: 'First and last line, from 1; -1 as the last means the end.',
        },
      },
      required: ['file_path'],
      additionalProperties: false,
    },
  },
  subject: ({ file_path: path }) => path,
  plan: ({ file_path: path, view_range: range }) => {
    const problem = pathProblem('file_path', path) ?? rangeProblem(range)
    if (problem !== null) return { problem }
    const name = quote(String(path))
    const { first, last } = toRange(range)
    const script = `f=${quotePath(String(path))}
if [ -d "$f" ]; then ls -la "$f"; exit; fi
[ -e "$f" ] || { printf 'There is no file %s.\\n' ${name}; exit 2; }
[ -f "$f" ] || { printf '%s is no regular file.\\n' ${name}; exit 2; }
[ -r "$f" ] || { printf '%s may not be read.\\n' ${name}; exit 2; }
sed -n '${first},${last}p;${last}q' "$f" | head -c ${maxBytes}`
    return { timeoutMs, script, maxOutputBytes: maxBytes * 2 }
  },
  parse: ({ view_range: range }, result, maxOutputBytes) =>
    result.exitCode === 0 ? toNumbered(result, toRange(range), maxOutputBytes) : toFailure(result),
})

const rangeProblem = (range: unknown): string | null => {
  if (range === undefined || range === null) return null
  const [first, last] = Array.isArray(range) ? range : []
  const fits =
    Array.isArray(range) &&
    range.length === 2 &&
    Number.isSafeInteger(first) &&
    Number.isSafeInteger(last) &&
    first >= 1 &&
    (last === -1 || last >= first)
  return fits ? null : 'view_range must be two whole numbers: the first line, from 1, and the last, or -1 for the end.'
}

/** One line more than is shown: so one knows that there are more. */
const toRange = (range: unknown): { first: number; last: number; shown: number } => {
  const [first, last] = Array.isArray(range) ? (range as number[]) : [1, -1]
  const from = first ?? 1
  const wanted = last === undefined || last === -1 ? Number.POSITIVE_INFINITY : last - from + 1
  const shown = Math.min(wanted, maxLines)
  return { first: from, last: from + shown - (wanted > maxLines ? 0 : 1), shown }
}

type ReadOutcome = Pick<ToolOutcome, 'output' | 'isError' | 'truncated' | 'outputFile'>

const toNumbered = ({ output }: CommandResult, { first, shown }: { first: number; shown: number }, maxOutputBytes: number): ReadOutcome => {
  const plain = (text: string, isError = false): ReadOutcome => ({ output: text, isError, truncated: false, outputFile: null })
  if (output.includes('\0')) return plain('It is a binary file. Use bash with od, file or the like.', true)
  if (output === '') return plain(first === 1 ? '(the file is empty)' : `(the file has fewer than ${first} lines)`)
  const lines = output.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const numbered: string[] = []
  let room = maxOutputBytes - 100
  for (const [at, line] of lines.slice(0, shown).entries()) {
    const text = `${String(first + at).padStart(6)}\t${cutLine(line)}`
    room -= Buffer.byteLength(text) + 1
    if (room < 0 && at > 0) break
    numbered.push(text)
  }
  const truncated = numbered.length < lines.length || Buffer.byteLength(output) >= maxBytes
  if (truncated) numbered.push(`[there is more: read on with view_range [${first + numbered.length}, -1]]`)
  return { output: numbered.join('\n'), isError: false, truncated, outputFile: null }
}

const cutLine = (line: string): string =>
  line.length > maxLineLength ? `${line.slice(0, maxLineLength).toWellFormed()} [… ${line.length - maxLineLength} more characters]` : line

/** What the tools for files say when their script did not end well. */
export const toFailure = ({ output, exitCode, timedOut, restarted }: CommandResult): Pick<ToolOutcome, 'output' | 'isError'> => {
  const text = output.trim()
  if (timedOut) return { output: `${text}\nIt took too long and was stopped.`.trim(), isError: true }
  if (restarted)
    return { output: 'Every process of the sandbox was killed while this ran: look at the file before going on.', isError: true }
  return { output: text === '' ? `It failed with exit code ${exitCode}.` : text, isError: true }
}
