/**
 * The tools that an agent has inside its sandbox. Owns their definitions, the scripts they become and what the agent reads of the
 * result. Each call of a tool is exactly one call of the sandbox's runner, under the same number, so that its result can be collected
 * after a crash and its effect never happens twice. No input, however wrong, makes one throw: the agent is told what would be accepted.
 */
import type { ToolDefinition } from '../models/model.ts'
import type { Sandbox } from '../sandboxes/sandbox.ts'

export type ToolOutcome = {
  /** What the agent reads. */
  output: string
  isError: boolean
  /** Of the command that the agent named; null for tools that run none. */
  exitCode: number | null
  durationMs: number
  /** There is more than `output` shows. */
  truncated: boolean
  /** Where in the sandbox the whole output lies, when it was kept. */
  outputFile: string | null
}

export type ToolContext = {
  sandbox: Sandbox
  /** The number of the call's event. */
  callNo: number
  signal: AbortSignal
  /** Of `ToolOutcome.output`, notes included. */
  maxOutputBytes: number
}

export type Tool = {
  definition: ToolDefinition
  /** What it is about to do, such as "bash: npm test": one line of at most 80 characters, without control characters. */
  summarize(input: unknown): string
  /** Throws what `Sandbox.run` throws, and nothing on account of the input. */
  run(input: unknown, call: ToolContext): Promise<ToolOutcome>
  /** The outcome of a call that another worker started: waits for it where it still runs. Runs nothing. */
  collect(input: unknown, call: ToolContext): Promise<ToolOutcome>
}
