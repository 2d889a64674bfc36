import { z } from 'zod'
import { openCopy, placeCopy } from './place-file.ts'
import { createScriptTool, toFileOutcome } from './script-tool.ts'
import { aboutPath, pathText, quote, scriptText } from './shell-text.ts'

const timeoutMs = 60_000
const maxContentBytes = 5_000_000

export const write = createScriptTool({
  name: 'write',
  description: 'Writes a file of the sandbox, and makes the directories it lies in. What was there before is replaced; its mode stays.',
  input: z.strictObject({
    file_path: pathText()
      .refine((path) => !path.endsWith('/'), 'must name a file')
      .describe('Absolute, or relative to /workspace.'),
    content: scriptText(maxContentBytes).describe('The whole content.'),
  }),
  subject: 'file_path',
  // printf is the shell's own: the kernel's limit on arguments does not hold for it.
  plan: ({ file_path: path, content }) => ({
    timeoutMs,
    script: `${aboutPath(path)}
[ ! -d "$f" ] || fail "$name is a directory."
[ ! -e "$f" ] || [ -f "$f" ] || fail "$name is not a regular file."
did=Created
[ ! -e "$f" ] || did=Overwrote
mkdir -p "\${f%/*}/" || exit 1
${openCopy}
printf '%s' ${quote(content)} >"$copy" || exit 1
${placeCopy}
printf '%s\\n' "$did $name (${Buffer.byteLength(content)} bytes)."`,
  }),
  toOutcome: toFileOutcome,
})
