import type { EventOf, LogEvent } from './event.ts'

/** Tools whose calls carry all that they do to a file: what is lost of one is had again by making the same call. */
const ONLY_WRITE_FILES: ReadonlySet<string> = new Set(['write', 'edit'])

/** What a lost sandbox was made from again, and exactly what is not in it: what the agent reads. Pure; `events` hold the lost calls. */
export const describeLoss = ({ payload }: EventOf<'sandbox.state'>, events: readonly LogEvent[]): string => {
  const { lostCalls = [], checkpointSeq, kept } = payload
  const from = checkpointSeq === undefined ? "from the session's resources" : `from a checkpoint, as it was after event ${checkpointSeq}`
  const outside =
    kept === 'workspace' ? ' Only /workspace could be restored: what was installed or written outside of it must be made again.' : ''
  if (lostCalls.length === 0)
    return `The sandbox was lost and has started again ${from}. No tool call had changed it${checkpointSeq === undefined ? '' : ' since'}.${outside}`
  const wanted = new Set(lostCalls)
  const calls = events.filter((event) => event.type === 'agent.tool_call' && wanted.has(event.seq)) as EventOf<'agent.tool_call'>[]
  const names = new Map(calls.map(({ seq, payload: { summary } }) => [seq, summary]))
  const lost = lostCalls.map((seq) => (names.has(seq) ? `${seq} (${names.get(seq)})` : String(seq)))
  return `The sandbox was lost and has started again ${from}. The effects of these tool calls are gone (numbers in the log): ${lost.join(', ')}.${repeat(calls)}${outside}`
}

const repeat = (calls: readonly EventOf<'agent.tool_call'>[]): string => {
  const files = calls.filter(({ payload }) => ONLY_WRITE_FILES.has(payload.name)).map(({ seq }) => seq)
  const others = calls.length > files.length
  const again = files.length === 0 ? '' : ` ${files.join(', ')} only wrote files: make them again as they were, in this order.`
  return others || files.length === 0
    ? `${again} What commands did must be looked at and done again: files they wrote, packages they installed.`
    : again
}
