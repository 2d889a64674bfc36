import { toFailure } from './read.ts'
import { pathProblem, quote, quotePath, textProblem } from './shell-text.ts'
import { createScriptTool, type ToolPlan } from './tool.ts'

const timeoutMs = 30_000
/** They go through the environment of awk, where the kernel takes no single string over 128 KB. */
const maxStringBytes = 100_000

export const edit = createScriptTool({
  definition: {
    name: 'edit',
    description:
      'Replaces a string in a text file of the sandbox, exactly as it is written, white space too. It must occur exactly once, unless replace_all is true.',
    inputSchema: {
      type: 'object',
      properties: {
        file_path: { type: 'string', description: 'Absolute, or relative to /workspace.' },
        old_string: { type: 'string' },
        new_string: { type: 'string' },
        replace_all: { type: 'boolean', description: 'Replace every occurrence; false by default.' },
      },
      required: ['file_path', 'old_string', 'new_string'],
      additionalProperties: false,
    },
  },
  subject: ({ file_path: path }) => path,
  plan: ({ file_path: path, old_string: oldString, new_string: newString, replace_all: all = false }): ToolPlan => {
    const problem =
      pathProblem('file_path', path) ??
      textProblem('old_string', oldString, maxStringBytes) ??
      textProblem('new_string', newString, maxStringBytes)
    if (problem !== null) return { problem }
    if (typeof all !== 'boolean') return { problem: 'replace_all must be true or false.' }
    if (oldString === '') return { problem: 'old_string must not be empty. The tool write makes new files.' }
    if (oldString === newString) return { problem: 'old_string and new_string are the same.' }
    return { timeoutMs, script: toScript(String(path), { oldString: String(oldString), newString: String(newString), all }) }
  },
  parse: ({ file_path: path }, result) => {
    if (result.exitCode !== 0) return toFailure(result)
    const count = Number(result.output.trim())
    return { output: `Replaced ${count === 1 ? 'one occurrence' : `${count} occurrences`} in ${path}.`, isError: false }
  },
})

/**
 * awk reads the file as one record, which ends at a character that no text holds; a file that does hold it is binary. Bytes, not
 * characters, so that the file's encoding does not matter. The result goes to a file beside, then over the old content, whose mode stays.
 */
const toScript = (path: string, { oldString, newString, all }: { oldString: string; newString: string; all: boolean }): string => {
  const name = quote(path)
  return `f=${quotePath(path)}
[ -f "$f" ] || { printf 'There is no file %s.\\n' ${name}; exit 2; }
command -v awk >/dev/null || { echo 'This image has no awk, which edit needs: use bash or write.'; exit 2; }
[ "$(LC_ALL=C tr -d '\\000\\001' <"$f" | wc -c)" -eq "$(wc -c <"$f")" ] || { printf '%s is a binary file.\\n' ${name}; exit 2; }
t=\${TMPDIR:-/tmp}/longhaul-edit-$$
trap 'rm -f "$t"' EXIT
OLD=${quote(oldString.toWellFormed())} NEW=${quote(newString.toWellFormed())} ALL=${all ? 1 : 0} LC_ALL=C awk '
BEGIN { RS = "\\001"; old = ENVIRON["OLD"]; new = ENVIRON["NEW"] }
{ text = $0 }
END {
  size = length(old)
  while ((at = index(text, old)) > 0) {
    count++
    if (count > 1 && ENVIRON["ALL"] != 1) exit 3
    printf "%s%s", substr(text, 1, at - 1), new
    text = substr(text, at + size)
  }
  if (count == 0) exit 4
  printf "%s", text
  print count >"/dev/stderr"
}' "$f" >"$t" 2>"$t.count"
code=$?
count=$(cat "$t.count"); rm -f "$t.count"
case $code in
  0) cat "$t" >"$f" && printf '%s\\n' "$count" ;;
  3) printf 'old_string occurs more than once in %s. Make it longer, so that it is unique, or set replace_all.\\n' ${name}; exit 2 ;;
  4) printf 'old_string does not occur in %s. It must match exactly, white space too.\\n' ${name}; exit 2 ;;
  *) printf '%s\\n' "$count"; exit 2 ;;
esac`
}
