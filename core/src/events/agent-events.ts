import { z } from 'zod'

const usage = z.object({
  inputTokens: z.int(),
  outputTokens: z.int(),
  cacheReadTokens: z.int(),
  cacheWrite5mTokens: z.int(),
  cacheWrite1hTokens: z.int(),
})

const block = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() }),
])

/** What the agent says and does. */
export const agentEvents = {
  /** One answer of the model, its blocks as they came. `brokenCalls` are tool calls that must never run. */
  'agent.message': z.object({
    v: z.literal(1),
    turnId: z.string(),
    model: z.string(),
    content: z.array(block),
    stopReason: z.string(),
    usage,
    basis: z.enum(['exact', 'estimated', 'presumed']),
    reservationId: z.string(),
    /** Of model, instructions and tools: while it stays, the exact count of this call bounds the next. */
    promptHash: z.string(),
    brokenCalls: z.array(z.object({ id: z.string(), reason: z.enum(['invalid_json', 'cut_off']) })),
  }),
  /** Logged before the call runs. Its seq is the call's number in the sandbox. */
  'agent.tool_call': z.object({
    v: z.literal(1),
    turnId: z.string(),
    callId: z.string(),
    name: z.string(),
    input: z.unknown(),
    permission: z.enum(['ALWAYS_ALLOW', 'DENY']),
    summary: z.string(),
  }),
  /** `not_run`: refused, unknown, broken or stopped before it began; `outcome_unknown`: it may or may not have had its effect. */
  'agent.tool_result': z.object({
    v: z.literal(1),
    turnId: z.string(),
    callId: z.string(),
    callSeq: z.int().nullable(),
    outcome: z.enum(['done', 'not_run', 'interrupted', 'outcome_unknown']),
    output: z.string(),
    isError: z.boolean(),
    exitCode: z.int().nullable(),
    durationMs: z.number(),
    truncated: z.boolean(),
    outputFile: z.string().nullable(),
  }),
  /** Replaces all earlier context by a summary. */
  'agent.compacted': z.object({ v: z.literal(1), turnId: z.string(), summary: z.string() }),
  /** A fresh context that starts with a written hand-off. */
  'agent.reset': z.object({ v: z.literal(1), turnId: z.string(), handOff: z.string() }),
}
