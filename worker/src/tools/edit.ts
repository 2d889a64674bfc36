import { z } from 'zod'
import { openCopy, placeCopy } from './place-file.ts'
import { createScriptTool, toFileOutcome } from './script-tool.ts'
import { aboutPath, pathText, quote, requireFile, scriptText } from './shell-text.ts'

const timeoutMs = 60_000
const maxStringBytes = 1_000_000
/** awk holds the file three times. */
const maxFileBytes = 16_777_216

export const edit = createScriptTool({
  name: 'edit',
  description:
    'Replaces a string in a text file of the sandbox. It must match exactly, white space too, and occur exactly once unless replace_all is true.',
  input: z
    .strictObject({
      file_path: pathText().describe('Absolute, or relative to /workspace.'),
      old_string: scriptText(maxStringBytes).refine((text) => text !== '', 'must not be empty: the tool write makes new files'),
      new_string: scriptText(maxStringBytes),
      replace_all: z.boolean().describe('Replace every occurrence; false by default.').optional(),
    })
    .refine(({ old_string: oldString, new_string: newString }) => oldString !== newString, 'old_string and new_string are the same'),
  subject: 'file_path',
  plan: ({ file_path: path, old_string: oldString, new_string: newString, replace_all: all = false }) => ({
    timeoutMs,
    script: `${aboutPath(path)}
${requireFile}
size=$(wc -c <"$f")
[ "$size" -le ${maxFileBytes} ] || fail "$name is over ${maxFileBytes} bytes: use bash."
[ "$(LC_ALL=C tr -d '\\000' <"$f" | wc -c)" -eq "$size" ] || fail "$name is a binary file: use bash."
command -v awk >/dev/null || fail 'This image has no awk, which edit needs: use bash or write.'
${openCopy}
export copy
said=$({ printf '%s' ${quote(oldString + newString)}; cat "$f"; printf .; } |
LC_ALL=C awk -v size="$size" -v o=${Buffer.byteLength(oldString)} -v w=${Buffer.byteLength(newString)} -v all=${all ? 1 : 0} ${quote(program)}) || fail "$name: $said"
[ "$(wc -c <"$copy")" -eq "\${said%% *}" ] || fail "$name could not be written: nothing was changed."
${placeCopy}
printf '%s\\n' "Edited $name: \${said#* }."`,
  }),
  toOutcome: toFileOutcome,
})

/**
 * Its input is old, new, the file and a dot, joined: so they may hold anything, and be longer than an argument. A record ends at a
 * character that texts don't hold, so that lines and the end of the last one stay as they are; the dot keeps awk from dropping an end.
 * Bytes, not characters: what is no UTF-8 stays as it is. Writes `copy`, and says how long it must be: a full disk is no error to awk.
 * Searches in windows, because a match must not cost a copy of the whole rest.
 */
const program = String.raw`
function find(from, at) {
  for (; from <= length(text) - o + 1; from += 4096) {
    at = index(substr(text, from, o + 4095), old)
    if (at) return from + at - 1
  }
  return 0
}
function newlines(part, pieces) { return part == "" ? 0 : split(part, pieces, "\n") - 1 }
BEGIN { RS = "\001"; ORS = "" }
{ text = NR == 1 ? $0 : text RS $0 }
END {
  old = substr(text, 1, o)
  new = substr(text, o + 1, w)
  text = substr(text, o + w + 1, length(text) - o - w - 1)
  if (length(text) != size) { print "It is being written."; exit 1 }
  line = from = 1
  for (at = find(1); at; at = find(at + o)) {
    if (++count > 10) continue
    line += newlines(substr(text, from, at - from))
    from = at
    lines = lines (count > 1 ? ", " : "") line
  }
  if (count > 10) lines = lines ", …"
  if (!count) {
    print "old_string does not occur. It must match exactly, white space too."
    if (index(old, "\n") && !index(old, "\r") && index(text, "\r\n")) print " The file's lines end in \\r\\n."
    exit 1
  }
  if (count > 1 && !all) {
    print "old_string occurs " count " times, at lines " lines ". Make it longer, so that it is unique, or set replace_all."
    exit 1
  }
  copy = ENVIRON["copy"]
  from = 1
  for (at = find(1); at; at = find(from)) {
    print substr(text, from, at - from) >copy
    print new >copy
    from = at + o
  }
  print substr(text, from) >copy
  close(copy)
  print size + count * (w - o) " " count " replacement" (count > 1 ? "s, at lines " : ", at line ") lines
}`
