import { posix } from 'node:path'
import { z } from 'zod'
import { createScriptTool, moreCode, toFileOutcome } from './script-tool.ts'
import { aboutPath, awkCut, pathText, quote, scriptText, toWorkspacePath } from './shell-text.ts'

const timeoutMs = 60_000
const maxLines = 200
const maxLineBytes = 500

const noneFound = { content: 'No line matches.', files: 'No file matches.' }

export const grep = createScriptTool({
  name: 'grep',
  description: `Searches files for a regular expression, line by line. Answers path:line number:line, up to ${maxLines} lines. Binary files, .git, node_modules and what .gitignore names are left out unless path names them.`,
  input: z.strictObject({
    pattern: scriptText(10_000)
      .refine((pattern) => pattern !== '' && !pattern.includes('\n'), 'must be one line, not empty')
      .describe("A regular expression: ripgrep's where the image has it, else POSIX extended."),
    path: pathText().describe('File or directory to search; /workspace by default.').optional(),
    glob: scriptText(200)
      .refine((text) => text !== '' && !/^!|\//.test(text), 'must be a pattern of file names such as *.ts, without a slash')
      .describe('Only files whose name matches, such as *.ts or *.{js,json}.')
      .optional(),
    output_mode: z
      .enum(['content', 'files'])
      .describe('Matching lines (the default), or only the paths of files that have some.')
      .optional(),
    ignore_case: z.boolean().optional(),
  }),
  subject: 'pattern',
  // A pattern that is none is found out beforehand: the search itself is heard only through a pipe.
  plan: ({ pattern, path = '.', glob, output_mode: mode = 'content', ignore_case: ignoreCase = false }, room) => {
    const fileNames = glob === undefined ? [] : expandBraces(glob)
    const options = `${mode === 'files' ? '-l' : '-nH'} ${ignoreCase ? '-i ' : ''}-e "$e"`
    const script = `${aboutPath(path)}
e=${quote(pattern)}
[ -e "$f" ] || fail "$name does not exist."
if [ -d "$f" ]; then cd "$f" || exit 1; set -- .; prefix=${quote(toPrefix(path))}
else cd "\${f%/*}/" || exit 1; set -- "./\${f##*/}"; prefix=${quote(toPrefix(posix.dirname(path)))}; fi
export prefix
if command -v rg >/dev/null; then
  try() { rg --no-config -e "$e" /dev/null; }
  search() { rg --no-config --no-heading --color=never --hidden --sort=path${fileNames.map((text) => ` -g ${quote(text)}`).join('')} -g '!.git' -g '!node_modules' ${options} -- "$@"; }
else
  try() { grep -E -e "$e" /dev/null; }
  search() { find -H "$@" -name .git -prune -o -name node_modules -prune -o -type f${toNameTest(fileNames)} -exec grep -IE ${options} /dev/null {} +; }
fi
said=$(try 2>&1) || [ $? = 1 ] || fail "$said"
search "$@" 2>/dev/null | LC_ALL=C awk -v room=${room - 200} ${quote(toProgram(noneFound[mode]))}`
    return { timeoutMs, script }
  },
  toOutcome: toFileOutcome,
})

/** What stands before the paths found, so that the other tools take them as they are. */
const toPrefix = (folder: string): string => {
  const inside = toWorkspacePath(folder) ?? folder
  return inside === '' ? '' : `${inside.replace(/\/+$/, '')}/`
}

/** `a{b,c}` is `ab` and `ac`, for \`find\`, which knows no braces; ripgrep gets the same. */
const expandBraces = (text: string): string[] => {
  const [, before = '', choices = '', after = ''] = /^([^{}]*)\{([^{}]*)\}([^{}]*)$/.exec(text) ?? []
  return choices === '' ? [text] : choices.split(',').map((choice) => before + choice + after)
}

const toNameTest = (fileNames: string[]): string =>
  fileNames.length === 0 ? '' : ` \\( ${fileNames.map((text) => `-name ${quote(text)}`).join(' -o ')} \\)`

/** Stops reading when it has shown enough: the search then ends too. Only what begins with a dot and a slash is a path's beginning. */
const toProgram = (none: string): string => `${awkCut}
BEGIN { prefix = ENVIRON["prefix"] }
{
  text = substr($0, 1, 2) == "./" ? prefix substr($0, 3) : $0
  line = cut(text, ${maxLineBytes})
  if (length(line) < length(text)) line = line " […]"
  room -= length(line) + 1
  if (++shown > ${maxLines} || room < 0) { more = 1; exit }
  print line
}
END {
  if (!shown) print "${none}"
  if (more) { print "[there are more: narrow the pattern or the path]"; exit ${moreCode} }
}`
