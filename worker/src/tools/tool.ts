/**
 * The tools that an agent has inside its sandbox. Owns their definitions, the scripts they become and what the agent reads of the
 * result. Each is exactly one call of the runner, so that its outcome can be collected after a crash; none ever throws on bad input.
 */
import type { ToolDefinition } from '../models/model.ts'
import type { CommandResult, Sandbox } from '../sandboxes/sandbox.ts'

export type ToolOutcome = {
  /** What the agent reads. */
  output: string
  isError: boolean
  /** Of the command that the agent named; null for the other tools. */
  exitCode: number | null
  durationMs: number
  truncated: boolean
  /** Where in the sandbox the whole output lies, when it was cut. */
  outputFile: string | null
}

export type ToolContext = {
  sandbox: Sandbox
  /** The number of the call's event. */
  callNo: number
  signal: AbortSignal
  maxOutputBytes: number
}

export interface Tool {
  definition: ToolDefinition
  /** What it is about to do, in at most 80 characters, such as "bash: npm test". */
  summarize(input: unknown): string
  /** Throws what `Sandbox.run` throws, and nothing on account of the input. */
  run(input: unknown, context: ToolContext): Promise<ToolOutcome>
  /** The outcome of a call that another worker started: waits for it where it still runs. Runs nothing. */
  collect(input: unknown, context: ToolContext): Promise<ToolOutcome>
}

/** One call of the runner, or the sentence that says what is wrong with the input. */
export type ToolPlan = ScriptPlan | { problem: string }
type ScriptPlan = { script: string; timeoutMs: number; maxOutputBytes?: number }

type ScriptTool = {
  definition: ToolDefinition
  plan: (input: Record<string, unknown>) => ToolPlan
  /** What of the input says most, for the summary. */
  subject: (input: Record<string, unknown>) => unknown
  /** `maxOutputBytes`: what the agent is shown may not be longer. */
  parse: (
    input: Record<string, unknown>,
    result: CommandResult,
    maxOutputBytes: number,
  ) => Pick<ToolOutcome, 'output' | 'isError'> & Partial<ToolOutcome>
}

/** A tool from its pure parts: input to script, result to outcome. */
export const createScriptTool = ({ definition, plan, subject, parse }: ScriptTool): Tool => {
  const planOf = (input: unknown): ToolPlan => (isRecord(input) ? plan(input) : { problem: 'The input must be an object.' })
  const toOutcome = (input: unknown, result: CommandResult, { maxOutputBytes }: ToolContext): ToolOutcome => {
    const { durationMs, truncated, outputFile } = result
    return { exitCode: null, durationMs, truncated, outputFile, ...parse(isRecord(input) ? input : {}, result, maxOutputBytes) }
  }
  return {
    definition,
    summarize: (input) => toSummary(definition.name, isRecord(input) ? subject(input) : ''),
    run: async (input, context) => {
      const planned = planOf(input)
      if ('problem' in planned) return toProblem(planned.problem)
      return toOutcome(input, await context.sandbox.run(toCall(planned, context), context.signal), context)
    },
    collect: async (input, context) => {
      const planned = planOf(input)
      if ('problem' in planned) return toProblem(planned.problem)
      return toOutcome(input, await context.sandbox.awaitCall(toCall(planned, context), context.signal), context)
    },
  }
}

/** Room for what a tool says about the output: the exit code, where the rest is. */
const notesBytes = 400

const toCall = ({ script, timeoutMs, maxOutputBytes }: ScriptPlan, context: ToolContext) => ({
  script,
  timeoutMs,
  callNo: context.callNo,
  maxOutputBytes: maxOutputBytes ?? context.maxOutputBytes - notesBytes,
})

const toProblem = (output: string): ToolOutcome => ({
  output,
  isError: true,
  exitCode: null,
  durationMs: 0,
  truncated: false,
  outputFile: null,
})

const isRecord = (input: unknown): input is Record<string, unknown> => typeof input === 'object' && input !== null && !Array.isArray(input)

const toSummary = (name: string, subject: unknown): string => {
  const line = `${name}: ${typeof subject === 'string' ? subject : ''}`.replaceAll(/\s+/g, ' ').trim()
  const chars = [...line]
  return chars.length > 80 ? `${chars.slice(0, 79).join('')}…` : line
}
