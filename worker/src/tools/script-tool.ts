import { z } from 'zod'
import type { CommandResult } from '../sandboxes/sandbox.ts'
import type { Tool, ToolContext, ToolOutcome } from './tool.ts'

/** `maxOutputBytes`: more than `room`, for a script whose output is not what the agent reads. */
type Script = { script: string; timeoutMs: number; maxOutputBytes?: number }

type ScriptTool<Input extends z.ZodObject> = {
  name: string
  description: string
  input: Input
  /** The field that says most about a call. */
  subject: keyof z.infer<Input> & string
  /** `room`: bytes that the script's output may have and still come back whole. Must be pure: a collected call is planned again. */
  plan: (input: z.infer<Input>, room: number) => Script
  toOutcome: (result: CommandResult, input: z.infer<Input>, room: number) => ToolOutcome | Promise<ToolOutcome>
}

/** Left free for what a tool says about its output: an exit code, where the rest is. */
const notesBytes = 500

/** A tool made of its pure parts: the input becomes a script, the result becomes what the agent reads. */
export const createScriptTool = <Input extends z.ZodObject>({
  name,
  description,
  input,
  subject,
  plan,
  toOutcome,
}: ScriptTool<Input>): Tool => {
  const perform = async (method: 'run' | 'awaitCall', unknownInput: unknown, call: ToolContext): Promise<ToolOutcome> => {
    const parsed = input.safeParse(unknownInput)
    if (!parsed.success) return toProblem(`${name}: ${describeIssues(parsed.error)}`)
    const room = call.maxOutputBytes - notesBytes
    const command = { callNo: call.callNo, maxOutputBytes: room, ...plan(parsed.data, room) }
    return toOutcome(await call.sandbox[method](command, call.signal), parsed.data, room)
  }
  return {
    definition: { name, description, inputSchema: toInputSchema(input) },
    summarize: (unknownInput) => summarize(name, isRecord(unknownInput) ? unknownInput[subject] : undefined),
    run: (unknownInput, call) => perform('run', unknownInput, call),
    collect: (unknownInput, call) => perform('awaitCall', unknownInput, call),
  }
}

/** A script that ends with this code did what it should, and has more to show than it did. */
export const moreCode = 10

/** For tools whose script itself says all that the agent should read. */
export const toFileOutcome = ({ output, exitCode, durationMs, truncated, outputFile, timedOut, restarted }: CommandResult): ToolOutcome => {
  const isError = timedOut || restarted || (exitCode !== 0 && exitCode !== moreCode)
  const lines = [output.replace(/\n$/, '')]
  if (restarted) lines.push('[every process of the sandbox was ended while this ran, probably for lack of memory: look before you go on]')
  else if (timedOut) lines.push('[it took too long and was stopped]')
  else if (isError && output === '') lines.push(`It failed with exit code ${exitCode}.`)
  const text = lines.filter((line) => line !== '').join('\n')
  return { output: text, isError, exitCode: null, durationMs, truncated: truncated || exitCode === moreCode, outputFile }
}

const toProblem = (output: string): ToolOutcome => ({
  output,
  isError: true,
  exitCode: null,
  durationMs: 0,
  truncated: false,
  outputFile: null,
})

const describeIssues = ({ issues }: z.ZodError): string => {
  const sentences = issues.map(({ path, message }) => [...path.map(String), message.replace(/^Invalid input: /, '')].join(': '))
  return `wrong input: ${sentences.join('; ')}. Nothing was run.`
}

const toInputSchema = (input: z.ZodObject): Record<string, unknown> => {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(input, { io: 'input' })
  return schema
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const maxSummaryChars = 80

/** Also without characters that only steer a terminal or the direction of writing: people decide by this line. */
const summarize = (name: string, subject: unknown): string => {
  if (typeof subject !== 'string') return name
  const chars = [
    ...`${name}: ${subject}`
      .slice(0, 4_000)
      .replaceAll(/[\p{C}\s]+/gu, ' ')
      .trim(),
  ]
  return chars.length > maxSummaryChars ? `${chars.slice(0, maxSummaryChars - 1).join('')}…` : chars.join('')
}
