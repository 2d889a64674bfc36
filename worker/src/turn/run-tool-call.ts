import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import { cutText } from '@longhaul/core/src/text.ts'
import type { ToolCallView } from '@longhaul/core/src/turns/view-turn.ts'
import {
  type CallState,
  RepeatedCallError,
  type Sandbox,
  SandboxLostError,
  SandboxUnavailableError,
  StaleEpochError,
} from '../sandboxes/sandbox.ts'
import { wasLostSince } from '../sandboxes/sandbox-pool.ts'
import type { Tool, ToolOutcome } from '../tools/tool.ts'
import { disownSandbox } from './disown-sandbox.ts'
import { openSandbox } from './open-sandbox.ts'
import { retryLater } from './retry-later.ts'
import { ClaimLostError, lastOf, type Stretch } from './stretch.ts'

type ResultFields = Partial<Pick<ToolOutcome, 'exitCode' | 'durationMs' | 'truncated' | 'outputFile'>> & {
  outcome: 'done' | 'not_run' | 'interrupted' | 'outcome_unknown'
  output: string
  isError: boolean
}

/** A tool call in order: permission, sandbox, log, run, result. What may have had an effect is never run again (invariant 7). */
export const startCall = async (stretch: Stretch, call: ToolCallView): Promise<'go_on' | 'let_go'> => {
  const tool = stretch.parts.tools.get(call.name)
  if (tool === undefined)
    return refuse(
      stretch,
      call,
      `There is no tool named ${JSON.stringify(call.name)}. Tools: ${[...stretch.parts.tools.keys()].join(', ')}.`,
    )
  if (isDenied(stretch, call.name)) return refuse(stretch, call, `The tool ${call.name} is not allowed for this agent.`)
  if (!stretch.parts.sandboxes.isAtHand(stretch)) await stretch.flush()
  const sandbox = await openSandbox(stretch)
  if (sandbox === 'let_go') return 'let_go'
  // The answer, or the result of the call before, goes with it.
  const logged = await stretch.append(
    [
      {
        type: 'agent.tool_call',
        actor: 'agent',
        payload: {
          turnId: stretch.claim.turn.id,
          callId: call.id,
          name: call.name,
          input: call.input,
          permission: 'ALWAYS_ALLOW',
          summary: tool.summarize(call.input),
        },
      },
    ],
    { guard: { control: false } },
  )
  if (logged.refused !== undefined) return 'go_on'
  await stretch.parts.atPoint('after_call_logged')
  return runLogged(stretch, { ...call, seq: lastOf(stretch, 'agent.tool_call').seq }, { tool, sandbox })
}

/** The call was logged by an earlier worker: collect its result, wait for it, run it if the sandbox never saw it, or say that nobody knows. */
export const recoverCall = (stretch: Stretch, call: ToolCallView): Promise<'go_on' | 'let_go'> =>
  collectCall(stretch, call, (tool, sandbox) => runLogged(stretch, call, { tool, sandbox }))

const collectCall = async (
  stretch: Stretch,
  call: ToolCallView,
  onNeverSeen: (tool: Tool, sandbox: Sandbox) => Promise<'go_on' | 'let_go'>,
): Promise<'go_on' | 'let_go'> => {
  const tool = stretch.parts.tools.get(call.name)
  await stretch.flush()
  const sandbox = await openSandbox(stretch)
  if (sandbox === 'let_go') return 'let_go'
  if (tool === undefined || call.seq === null || wasLostSince(stretch.events, call.seq)) return resultUnknown(stretch, call)
  const state = await inspect(stretch, sandbox, call.seq)
  if (state === 'gone') return resultUnknown(stretch, call)
  if (state === 'let_go') return 'let_go'
  if (state.state === 'never') return onNeverSeen(tool, sandbox)
  if (state.state === 'unknown') return resultUnknown(stretch, call)
  const collect = (signal: AbortSignal) =>
    tool.collect(call.input, { sandbox, callNo: call.seq ?? 0, signal, maxOutputBytes: stretch.parts.limits.maxToolOutputBytes })
  // What has ended by itself is no longer interrupted by anybody.
  return state.state === 'done' ? finish(stretch, call, collect, stretch.wishes.lost) : finish(stretch, call, collect)
}

const inspect = async (stretch: Stretch, sandbox: Sandbox, callNo: number): Promise<CallState | 'gone' | 'let_go'> => {
  try {
    return await sandbox.inspectCall({ callNo, maxOutputBytes: stretch.parts.limits.maxToolOutputBytes })
  } catch (error) {
    if (stretch.wishes.lost.aborted) throw new ClaimLostError('lost while a call was asked after')
    if (error instanceof StaleEpochError) {
      await disownSandbox(stretch)
      return 'gone'
    }
    stretch.parts.sandboxes.forget({ sessionId: stretch.claim.session.id, epoch: stretch.claim.epoch })
    if (error instanceof SandboxLostError) return 'gone'
    if (error instanceof SandboxUnavailableError) return collectLater(stretch, error)
    throw error
  }
}

/** Invalid or cut-off input never runs: the agent is told. */
export const refuseCall = async (stretch: Stretch, call: ToolCallView): Promise<'go_on'> =>
  refuse(
    stretch,
    call,
    call.broken === 'cut_off'
      ? 'This call was cut off by the output limit before its input was complete. It was not run. Make it again, with a shorter input.'
      : "This call's input was not valid JSON. It was not run. Make it again.",
  )

/** Open calls end as interrupted, also those that an earlier worker left running; calls not begun never begin. */
export const interruptCalls = async (stretch: Stretch, calls: ToolCallView[]): Promise<'go_on' | 'let_go'> => {
  for (const call of calls.filter(({ seq }) => seq !== null)) {
    const ended = await collectCall(stretch, call, () => refuse(stretch, call, NOT_RUN))
    if (ended === 'let_go') return 'let_go'
  }
  await stretch.append(
    calls
      .filter(({ seq }) => seq === null)
      .map((call) => resultEvent(stretch, call, { outcome: 'not_run', output: NOT_RUN, isError: true })),
  )
  return 'go_on'
}

const NOT_RUN = 'Not run: the user interrupted.'

const runLogged = async (
  stretch: Stretch,
  call: ToolCallView,
  { tool, sandbox }: { tool: Tool; sandbox: Sandbox },
): Promise<'go_on' | 'let_go'> =>
  finish(stretch, call, (signal) => {
    setImmediate(() => void stretch.parts.atPoint('mid_call'))
    return tool.run(call.input, { sandbox, callNo: call.seq ?? 0, signal, maxOutputBytes: stretch.parts.limits.maxToolOutputBytes })
  })

const finish = async (
  stretch: Stretch,
  call: ToolCallView,
  run: (signal: AbortSignal) => Promise<ToolOutcome>,
  signal = stretch.wishes.callSignal(),
): Promise<'go_on' | 'let_go'> => {
  let outcome: ToolOutcome
  try {
    outcome = await run(signal)
  } catch (error) {
    if (stretch.wishes.lost.aborted) throw new ClaimLostError('lost during a tool call')
    if (error instanceof StaleEpochError) {
      await disownSandbox(stretch)
      return resultUnknown(stretch, call)
    }
    if (signal.aborted) {
      await stretch.append([
        resultEvent(stretch, call, { outcome: 'interrupted', output: 'Interrupted by the user while it ran.', isError: true }),
      ])
      return 'go_on'
    }
    stretch.parts.sandboxes.forget({ sessionId: stretch.claim.session.id, epoch: stretch.claim.epoch })
    if (error instanceof SandboxUnavailableError) return collectLater(stretch, error)
    if (error instanceof SandboxLostError || error instanceof RepeatedCallError) return resultUnknown(stretch, call)
    throw error
  }
  if (stretch.wishes.lost.aborted) throw new ClaimLostError('lost during a tool call')
  await stretch.parts.atPoint('after_call')
  // Until the next call or the turn's end has written it, it lies in the sandbox too.
  stretch.hold([resultEvent(stretch, call, { ...outcome, outcome: signal.aborted ? 'interrupted' : 'done' })])
  return 'go_on'
}

/** The engine does not answer: the call may run on, and its result lies in the sandbox until somebody can ask again. */
const collectLater = (stretch: Stretch, { message }: SandboxUnavailableError): Promise<'let_go'> =>
  retryLater(stretch, { message, status: null, retryAfterMs: null, final: false, costNanos: null })

const resultUnknown = async (stretch: Stretch, call: ToolCallView): Promise<'go_on'> => {
  await stretch.append([
    resultEvent(stretch, call, {
      outcome: 'outcome_unknown',
      output:
        'Outcome unknown: the sandbox or its worker stopped while this call ran. It may have had its effect, in part or in whole. Look before you run it again.',
      isError: true,
    }),
  ])
  return 'go_on'
}

const refuse = async (stretch: Stretch, call: ToolCallView, output: string): Promise<'go_on'> => {
  await stretch.append([resultEvent(stretch, call, { outcome: 'not_run', output, isError: true })])
  return 'go_on'
}

const isDenied = (stretch: Stretch, name: string): boolean =>
  stretch.claim.agentVersion.tools.some((grant) => grant.name === name && grant.permission === 'DENY')

const resultEvent = (stretch: Stretch, call: ToolCallView, fields: ResultFields): NewEvent => ({
  type: 'agent.tool_result',
  actor: 'agent',
  payload: {
    turnId: stretch.claim.turn.id,
    callId: call.id,
    callSeq: call.seq,
    exitCode: null,
    durationMs: 0,
    truncated: false,
    outputFile: null,
    ...fields,
    output: cutText(fields.output, stretch.parts.limits.maxToolOutputBytes),
  },
})
