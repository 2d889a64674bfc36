import { z } from 'zod'
import { createScriptTool, moreCode, toFileOutcome } from './script-tool.ts'
import { aboutPath, awkCut, pathText, quote, requireFile } from './shell-text.ts'

const timeoutMs = 60_000
const maxLineBytes = 2_000

export const read = createScriptTool({
  name: 'read',
  description:
    'Reads a text file of the sandbox. Each line comes with its number and a tab before it. What does not fit into one answer is named; view_range reads on.',
  input: z.strictObject({
    file_path: pathText().describe('Absolute, or relative to /workspace.'),
    view_range: z
      .array(z.int().min(-1).max(1_000_000_000))
      .length(2)
      .refine(
        ([first = 0, last = 0]) => first >= 1 && (last === -1 || last >= first),
        'the first line counts from 1, the last is not before it',
      )
      .describe('First and last line, from 1; -1 as the last means the end.')
      .optional(),
  }),
  subject: 'file_path',
  plan: ({ file_path: path, view_range: [first = 1, last = -1] = [] }, room) => ({
    timeoutMs,
    script: `${aboutPath(path)}
${requireFile}
[ "$(head -c 8192 <"$f" | LC_ALL=C tr -d '\\000' | wc -c)" -eq "$(head -c 8192 <"$f" | wc -c)" ] || fail "$name is a binary file: use bash with file, od or the like."
LC_ALL=C awk -v first=${first} -v last=${last} -v room=${room - 200} ${quote(program)} <"$f"`,
  }),
  toOutcome: toFileOutcome,
})

/** Numbers the lines that were asked for while there is room (bytes), then counts on to the end, so that the agent knows how much is left. */
const program = String.raw`${awkCut}
BEGIN { if (last < 0) last = 1000000000 }
NR < first || NR > last || full { next }
{
  line = cut($0, ${maxLineBytes})
  if (length(line) < length($0)) line = line " [… " length($0) - length(line) " bytes more]"
  room -= length(line) + 8
  if (room < 0 && shown) { full = 1; next }
  shown = NR
  printf "%6d\t", NR
  print line
}
END {
  if (NR == 0) print "[the file is empty]"
  else if (NR < first) { print "The file has only " NR " lines."; exit 1 }
  else if (full) {
    print "[lines " first "-" shown " of " NR "; read on with view_range [" shown + 1 ", " (last < 1000000000 ? last : -1) "]]"
    exit ${moreCode}
  }
  else if (first > 1 || shown < NR) print "[lines " first "-" shown " of " NR "]"
}`
