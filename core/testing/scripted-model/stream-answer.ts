/** Sends an answer as server-sent events, and breaks it off where a fault says so. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { toTokens } from './count-usage.ts'
import { type Answer, type Frame, toFrames } from './plan-answer.ts'
import type { Fault } from './script.ts'
import { toErrorBody } from './wire-errors.ts'

/** What left the house: the provider bills nothing before `message_start`, and what was produced by then after a break. */
export type Sent = { started: boolean; finished: boolean; outputTokens: number }

export type StreamInput = {
  answer: Answer
  fault: Fault | null
  requestId: string
  /** Aborts when the client has left. */
  gone: AbortSignal
  /** Called once, before the last bytes leave or when the answer has broken off. */
  onSettled: (sent: Sent) => void
}

type Break = { afterPieces: number; act: (response: ServerResponse, input: StreamInput) => Promise<void> | void }

/** Written at once, as far as no pause lies between. */
const MAX_BATCH_CHARS = 16_384

export async function streamAnswer(response: ServerResponse, input: StreamInput): Promise<void> {
  const sent: Sent = { started: false, finished: false, outputTokens: 0 }
  const breakOff = toBreak(input.fault, input.answer)
  if (breakOff && breakOff.afterPieces < 0 && input.fault?.kind === 'stall') return stall(response, input)
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'request-id': input.requestId,
  })
  if (breakOff && breakOff.afterPieces < 0) return breakOff.act(response, input)
  let pieces = 0
  let outputBytes = 0
  let batch = ''
  const flush = async () => {
    const text = batch
    batch = ''
    if (text && !response.write(text)) await once(response, 'drain', { signal: input.gone })
  }
  try {
    for (const frame of toFrames(input.answer)) {
      const reached =
        breakOff && sent.started && (frame.event === 'message_delta' || (pieces >= breakOff.afterPieces && frame.event !== 'ping'))
      if (reached || (frame.event === 'message_stop' && input.fault?.kind === 'no_message_stop')) {
        await flush()
        sent.outputTokens = Math.max(1, toTokens(outputBytes))
        input.onSettled(sent)
        return await (breakOff?.act(response, input) ?? end(response))
      }
      if (frame.event === 'message_stop') {
        sent.finished = true
        sent.outputTokens = input.answer.usage.output_tokens
        input.onSettled(sent)
      }
      batch += toText(frame)
      sent.started = true
      outputBytes += frame.outputBytes
      if (frame.outputBytes > 0) pieces++
      const pausing = input.answer.chunkDelayMs > 0 && frame.outputBytes > 0
      if (pausing || batch.length > MAX_BATCH_CHARS) await flush()
      if (pausing) await sleep(input.answer.chunkDelayMs, undefined, { signal: input.gone })
    }
    await flush()
    response.end()
  } catch (error) {
    if (!input.gone.aborted) throw error
    // The client left: what it could have read by then is what was produced.
    if (sent.finished) return
    sent.outputTokens = Math.max(1, toTokens(outputBytes))
    if (sent.started) input.onSettled(sent)
  }
}

function toBreak(fault: Fault | null, answer: Answer): Break | null {
  switch (fault?.kind) {
    case 'reset_mid_stream':
      return { afterPieces: fault.afterPieces ?? 2, act: reset }
    case 'stall':
      return { afterPieces: fault.afterPieces ?? 2, act: fault.pings ? pingForever : stall }
    case 'error_event':
      return {
        afterPieces: fault.afterPieces ?? 2,
        act: (response, input) => sendErrorEvent(response, input, fault.type ?? 'overloaded_error'),
      }
    case 'malformed_event':
      return {
        afterPieces: fault.afterPieces ?? 2,
        act: (response) => end(response, 'event: content_block_delta\ndata: {"type":"content_blo\n\n'),
      }
    case 'cut_tool_input':
      return { afterPieces: piecesUpToToolInput(answer), act: (response) => end(response) }
    case 'huge_answer':
      return { afterPieces: 1, act: (response, input) => flood(response, input, fault) }
    default:
      return null
  }
}

/** Half of the first tool call's input is out by then. */
function piecesUpToToolInput({ blocks, chunkSize }: Answer): number {
  const count = (body: string) => Math.ceil(Array.from(body).length / chunkSize)
  const call = blocks.findIndex((block) => block.type === 'tool_use')
  const before = blocks.slice(0, call).reduce((pieces, block) => pieces + count(block.body), 0)
  return before + Math.max(1, Math.floor(count(blocks[call]?.body ?? '') / 2))
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

function end(response: ServerResponse, last = ''): void {
  response.end(last)
}

function sendErrorEvent(response: ServerResponse, { requestId }: StreamInput, type: string): void {
  response.end(`event: error\ndata: ${toErrorBody({ type, message: 'Overloaded' }, requestId)}\n\n`)
}

async function stall(_response: ServerResponse, { gone }: StreamInput): Promise<void> {
  if (!gone.aborted) await once(gone, 'abort')
}

async function pingForever(response: ServerResponse, { gone }: StreamInput): Promise<void> {
  while (!gone.aborted) {
    response.write('event: ping\ndata: {"type":"ping"}\n\n')
    await sleep(50, undefined, { signal: gone }).catch(() => {})
  }
}

async function flood(
  response: ServerResponse,
  { gone }: StreamInput,
  { bytes = 100_000_000, oneEvent = false }: { bytes?: number; oneEvent?: boolean },
): Promise<void> {
  const filler = 'x'.repeat(65_536)
  const [head, tail] = [
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"',
    '"}}\n\n',
  ]
  const write = async (text: string) => {
    if (!response.write(text)) await once(response, 'drain', { signal: gone })
  }
  try {
    for (let left = bytes; left > 0; left -= filler.length)
      await write(oneEvent ? (left === bytes ? head : '') + filler : head + filler + tail)
    response.end(oneEvent ? tail : '')
  } catch (error) {
    if (!gone.aborted) throw error
  }
}

function toText({ event, data }: Frame): string {
  return `event: ${event}\ndata: ${data}\n\n`
}
