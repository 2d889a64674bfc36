import { type CallState, type CommandCall, type CommandResult, LeaveRunning } from '../sandbox.ts'
import { collectStream, HeadAndTail } from './collect-output.ts'
import type { CallEnd, RunnerClient } from './runner-client.ts'
import type { RunnerHost } from './runner-host.ts'
import { maxScriptBytes } from './runner-lines.ts'

/** Where the runner stops keeping output from the start; after it, only the end is kept. */
const outFileBytes = 8_388_608

const NEVER = new AbortController().signal

type Runner = { client: RunnerClient; host: RunnerHost }

export const runCall = (runner: Runner, call: CommandCall, signal: AbortSignal): Promise<CommandResult> =>
  watchCall(runner, call, signal, async () => {
    signal.throwIfAborted()
    return runner.client.start(call.callNo, await toLineScript(runner, call), signal)
  })

/** One that runs already is ended when `signal` has aborted before. */
export const awaitCall = (
  runner: Runner,
  call: Pick<CommandCall, 'callNo' | 'timeoutMs' | 'maxOutputBytes'>,
  signal: AbortSignal,
): Promise<CommandResult> => watchCall(runner, call, signal, () => runner.client.follow(call.callNo, signal))

export const inspectCall = async (
  runner: Runner,
  { callNo, maxOutputBytes }: Pick<CommandCall, 'callNo' | 'maxOutputBytes'>,
): Promise<CallState> => {
  const state = await runner.client.inspect(callNo)
  if (state !== 'done') return { state }
  const end = await runner.client.follow(callNo, NEVER)
  if (end.kind !== 'ended') return { state: 'unknown' }
  return {
    state: 'done',
    result: await toResult(runner.host, { callNo, maxOutputBytes }, end, { durationMs: end.durationMs, timedOut: false }),
  }
}

/** Long scripts go beside the channel. A claimant who was overtaken must not put one in the place of another's. */
const toLineScript = async ({ client, host }: Runner, { callNo, script }: CommandCall): Promise<string> => {
  if (Buffer.byteLength(script) <= maxScriptBytes) return script
  await client.assertCurrent()
  return `. '${await host.putCallScript(callNo, script)}'`
}

const watchCall = async (
  { client, host }: Runner,
  call: Pick<CommandCall, 'callNo' | 'timeoutMs' | 'maxOutputBytes'>,
  signal: AbortSignal,
  begin: () => Promise<CallEnd>,
): Promise<CommandResult> => {
  const startedAt = performance.now()
  let timedOut = false
  const { promise: left, reject: leave } = Promise.withResolvers<never>()
  const interrupt = () => void client.interrupt(call.callNo)
  const onAbort = () => (signal.reason instanceof LeaveRunning ? leave(signal.reason) : interrupt())
  const timer = setTimeout(() => {
    timedOut = true
    interrupt()
  }, call.timeoutMs)
  signal.addEventListener('abort', onAbort)
  try {
    if (signal.reason instanceof LeaveRunning) throw signal.reason
    const end = await Promise.race([begin(), left])
    const measuredMs = Math.round(performance.now() - startedAt)
    return await toResult(host, call, end, {
      durationMs: end.kind === 'ended' ? Math.max(end.durationMs, measuredMs) : measuredMs,
      timedOut,
    })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

const toResult = async (
  host: RunnerHost,
  { callNo, maxOutputBytes }: Pick<CommandCall, 'callNo' | 'maxOutputBytes'>,
  end: CallEnd,
  { durationMs, timedOut }: { durationMs: number; timedOut: boolean },
): Promise<CommandResult> => {
  if (end.kind === 'broken') {
    const output = 'The sandbox could not start the command: its disk is full, or its run folder is gone.'
    return { output, exitCode: 126, durationMs, truncated: false, outputFile: null, timedOut, restarted: false }
  }
  const collected = new HeadAndTail(maxOutputBytes)
  let gap = false
  if (end.kind === 'ended' && end.inlineOutput.whole) collected.add(end.inlineOutput.bytes)
  else gap = await readFiles(host, callNo, collected)
  const { text, truncated } = collected.toOutput(gap)
  const exitCode = end.kind === 'ended' ? end.exitCode : 137
  return {
    output: text,
    exitCode,
    durationMs,
    truncated,
    outputFile: truncated ? host.outputPath(callNo) : null,
    timedOut,
    restarted: end.kind === 'killed',
  }
}

/** Answers whether output was lost between what the two files hold. */
const readFiles = async (host: RunnerHost, callNo: number, into: HeadAndTail): Promise<boolean> => {
  const out = await host.readCallFile(callNo, 'out')
  if (out) await collectStream(out, into)
  if (into.totalBytes < outFileBytes) return false
  const tail = await host.readCallFile(callNo, 'tail')
  if (tail) await collectStream(tail, into)
  return tail !== null
}
