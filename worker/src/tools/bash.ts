import { z } from 'zod'
import { createScriptTool } from './script-tool.ts'
import { quote, scriptText } from './shell-text.ts'

const defaultTimeoutMs = 120_000
const maxTimeoutMs = 600_000
/** The kernel takes no single argument over 128 KB. */
const maxCommandBytes = 100_000

export const bash = createScriptTool({
  name: 'bash',
  description:
    'Runs a command in the sandbox with bash, in /workspace. Answers its output (stdout and stderr together), and its exit code when that is not 0. Each call is a new shell: nothing but files is kept between calls. There is no network. A process left in the background must not keep its output open: redirect it to a file.',
  input: z.strictObject({
    command: scriptText(maxCommandBytes).refine((command) => command.trim() !== '', 'must not be empty'),
    timeout_ms: z
      .int()
      .min(1)
      .max(maxTimeoutMs)
      .describe(`Milliseconds after which it is killed; ${defaultTimeoutMs} by default.`)
      .optional(),
  }),
  subject: 'command',
  plan: ({ command, timeout_ms: timeoutMs = defaultTimeoutMs }) => ({
    timeoutMs,
    script: `c=${quote(command)}; command -v bash >/dev/null && exec bash -c "$c"; exec sh -c "$c"`,
  }),
  toOutcome: (
    { output, exitCode, durationMs, truncated, outputFile, timedOut, restarted },
    { timeout_ms: timeoutMs = defaultTimeoutMs },
  ) => {
    const notes: string[] = []
    if (outputFile !== null) notes.push(`[the whole output is in ${outputFile}]`)
    if (restarted) notes.push('[every process of the sandbox was ended while it ran, probably for lack of memory; files are kept]')
    if (timedOut) notes.push(`[timed out after ${timeoutMs} ms; it was killed]`)
    else if (exitCode !== 0) notes.push(`[exit code ${exitCode}]`)
    const gap = output === '' || output.endsWith('\n') || notes.length === 0 ? '' : '\n'
    const isError = exitCode !== 0 || timedOut || restarted
    return { output: `${output}${gap}${notes.join('\n')}`, isError, exitCode, durationMs, truncated, outputFile }
  },
})
