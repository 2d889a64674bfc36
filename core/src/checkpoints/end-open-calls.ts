import type { NewEvent } from '../events/event.ts'
import type { OpenCall } from './checkpoint.ts'

/** The end of calls that somebody goes back behind: each that the model has asked for must be answered before it is asked again. */
export const endOpenCalls = (
  calls: readonly OpenCall[],
  { notRun, unknown = notRun }: { notRun: string; unknown?: string },
): Extract<NewEvent, { type: 'agent.tool_result' }>[] =>
  calls.map(({ turnId, callId, callSeq }) => ({
    type: 'agent.tool_result',
    actor: 'platform',
    payload: {
      turnId,
      callId,
      callSeq,
      // One that was logged may have run: nobody has asked the sandbox, and now it is gone.
      outcome: callSeq === null ? 'not_run' : 'outcome_unknown',
      output: callSeq === null ? notRun : unknown,
      isError: true,
      exitCode: null,
      durationMs: 0,
      truncated: false,
      outputFile: null,
    },
  }))
