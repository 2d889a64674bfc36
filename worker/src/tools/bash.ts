import { quote, textProblem } from './shell-text.ts'
import { createScriptTool } from './tool.ts'

const defaultTimeoutMs = 120_000
const maxTimeoutMs = 3_600_000
/** The kernel takes no single argument over 128 KB. */
const maxCommandBytes = 100_000

export const bash = createScriptTool({
  definition: {
    name: 'bash',
    description:
      'Runs a command in the sandbox with bash, in /workspace. Answers its output (stdout and stderr together) and its exit code when that is not 0. Each call is a new shell: nothing but files is kept between calls. There is no network. A process left in the background must not keep its output open: redirect it to a file.',
    inputSchema: {
      type: 'object',
      properties: {
        command: { type: 'string', description: 'The command to run.' },
        timeout_ms: {
          type: 'integer',
          minimum: 1,
          maximum: maxTimeoutMs,
          description: `Milliseconds after which it is killed; ${defaultTimeoutMs} by default.`,
        },
      },
      required: ['command'],
      additionalProperties: false,
    },
  },
  subject: ({ command }) => command,
  plan: ({ command, timeout_ms: timeoutMs = defaultTimeoutMs }) => {
    const problem = textProblem('command', command, maxCommandBytes)
    if (problem !== null) return { problem }
    if (typeof timeoutMs !== 'number' || !Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > maxTimeoutMs) {
      return { problem: `timeout_ms must be a whole number from 1 to ${maxTimeoutMs}.` }
    }
    const quoted = quote(String(command))
    return { timeoutMs, script: `command -v bash >/dev/null && exec bash -c ${quoted}\nexec sh -c ${quoted}` }
  },
  parse: ({ timeout_ms: timeoutMs = defaultTimeoutMs }, { output, exitCode, timedOut, restarted, outputFile }) => {
    const notes = []
    if (outputFile) notes.push(`[the whole output is in ${outputFile}]`)
    if (restarted) notes.push('[every process of the sandbox was killed while it ran; files are kept]')
    if (timedOut) notes.push(`[timed out after ${timeoutMs} ms; it was killed]`)
    else if (exitCode !== 0) notes.push(`[exit code ${exitCode}]`)
    const separator = output === '' || output.endsWith('\n') || notes.length === 0 ? '' : '\n'
    return { output: `${output}${separator}${notes.join('\n')}`, isError: exitCode !== 0 || timedOut, exitCode }
  },
})
