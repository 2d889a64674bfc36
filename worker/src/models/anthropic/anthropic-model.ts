/**
 * Models of the Claude family over Anthropic's SDK. The SDK makes the request and splits the stream into events; putting them together,
 * noticing silence and saying what a call cost is done here, because the SDK does none of it strictly enough. Never retries.
 */
import Anthropic, { type Middleware } from '@anthropic-ai/sdk'
import { Stream } from '@anthropic-ai/sdk/core/streaming'
import { findModel } from '@longhaul/core/src/budgets/prices.ts'
import type { Billing, Model, ModelFailure, ModelOutcome, ModelRequest } from '../model.ts'
import { AnswerAccumulator, MalformedStream, UnfinishedStream } from './answer-accumulator.ts'
import { toCode, wasNeverConnected } from './connection-errors.ts'
import { toFailure } from './to-failure.ts'
import { toMessageParams } from './to-message-params.ts'
import { toRecord } from './to-token-usage.ts'
import { watchBody } from './watch-body.ts'

export type AnthropicSettings = {
  apiKey: string
  /** The one place the key is sent to; redirects are not followed. */
  baseUrl: string
  /** Silence, pings included, after which a call is given up; 90 seconds by default. The provider pings far more often. */
  stallMs?: number
  /** An answer above it is cut off; 4 MB by default, several times what the longest answer has. */
  maxAnswerBytes?: number
}

type CallOptions = Parameters<Model['call']>[1]
/** Why we ended a call ourselves. */
type Ended = 'interrupted' | 'stalled' | 'too_large'

/** How long the end of the connection is waited for once the answer is whole, so that it can be used again. */
const LAST_BYTES_MS = 250

export function createAnthropicModel(settings: AnthropicSettings): Model {
  const stallMs = settings.stallMs ?? 90_000
  const client = new Anthropic({
    apiKey: settings.apiKey,
    authToken: null,
    baseURL: settings.baseUrl,
    maxRetries: 0,
    logLevel: 'off',
    // Its spans can hold what was said, when an environment variable asks for it.
    openTelemetry: false,
    // Only a backstop: it ends with the headers, and silence is watched from the first byte on.
    timeout: stallMs + 60_000,
    fetchOptions: { redirect: 'manual' },
  })
  const limits = { stallMs, maxAnswerBytes: settings.maxAnswerBytes ?? 4 * 1024 * 1024 }
  return { call: (request, options) => new Call({ client, limits, apiKey: settings.apiKey, request, options }).run() }
}

type CallInput = {
  client: Anthropic
  limits: { stallMs: number; maxAnswerBytes: number }
  apiKey: string
  request: ModelRequest
  options: CallOptions
}

class StreamedError extends Error {
  type: string | null
  constructor(type: string | null, message: string) {
    super(message)
    this.type = type
  }
}

class Call {
  #input: CallInput
  #answer: AnswerAccumulator
  #ender = new AbortController()
  #ended: Ended | null = null
  #sent = false
  #requestId: string | null = null
  #bytesSinceEvent = 0
  #silence: NodeJS.Timeout
  /** Thrown by whoever listens to deltas: ours, and not to be taken for the provider's. */
  #mistake: { error: unknown } | null = null

  constructor(input: CallInput) {
    this.#input = input
    const ids = input.request.messages.flatMap(({ content }) => content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : [])))
    this.#answer = new AnswerAccumulator(ids)
    this.#silence = setTimeout(() => this.#end('stalled'), input.limits.stallMs)
  }

  async run(): Promise<ModelOutcome> {
    const { signal } = this.#input.options
    const interrupt = () => this.#end('interrupted')
    signal.addEventListener('abort', interrupt, { once: true })
    if (signal.aborted) interrupt()
    try {
      await this.#stream()
      return this.#toAnswered()
    } catch (error) {
      if (this.#mistake) throw this.#mistake.error
      if (this.#answer.stopped) return this.#toAnswered()
      const failure = this.#toFailure(error)
      return {
        kind: 'failed',
        failure: { ...failure, message: this.#redact(failure.message) },
        billing: this.#toBilling(error),
        requestId: this.#requestId,
      }
    } finally {
      clearTimeout(this.#silence)
      signal.removeEventListener('abort', interrupt)
    }
  }

  async #stream(): Promise<void> {
    const { client, request, options } = this.#input
    const region = findModel(request.model, new Date())?.region ?? null
    const send: Middleware = async (sent, next) => {
      const coming = next(sent)
      this.#sent = true
      this.#notify(options.onRequestSent)
      const response = await coming
      this.#requestId = response.headers.get('request-id')
      return watchBody(response, (bytes) => this.#onBytes(bytes))
    }
    const params = toMessageParams(request, region)
    const response = await client.messages.create(params, { signal: this.#ender.signal, middleware: [send] }).asResponse()
    for await (const { event, data } of Stream.rawEvents(response, this.#ender)) {
      this.#bytesSinceEvent = 0
      if (event === 'error') throw toStreamedError(data)
      if (event === null || data === '') continue
      const delta = this.#answer.take(parseData(data))
      if (this.#answer.receivedBytes > this.#input.limits.maxAnswerBytes) this.#end('too_large')
      if (delta && !this.#ended) this.#notify(options.onDelta && (() => options.onDelta?.(delta)))
      if (this.#answer.stopped) this.#awaitLastBytes()
    }
  }

  #notify(listener: (() => void) | undefined): void {
    try {
      listener?.()
    } catch (error) {
      this.#mistake ??= { error }
      this.#ender.abort()
      throw error
    }
  }

  #onBytes(bytes: number): void {
    if (!this.#answer.stopped) this.#silence.refresh()
    this.#bytesSinceEvent += bytes
    if (this.#bytesSinceEvent > this.#input.limits.maxAnswerBytes) this.#end('too_large')
  }

  #awaitLastBytes(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#ender.abort(), LAST_BYTES_MS)
  }

  #end(why: Ended): void {
    this.#ended ??= why
    this.#ender.abort()
  }

  #toAnswered(): ModelOutcome {
    const answer = this.#answer.toAnswer()
    const exact = this.#answer.toExactUsage()
    return { kind: 'answered', answer, billing: exact ? { kind: 'exact', usage: exact } : this.#toEstimate(), requestId: this.#requestId }
  }

  #toFailure(error: unknown): ModelFailure {
    const retryable = (message: string): ModelFailure => ({ reason: 'retryable', message, status: null, type: null, retryAfterMs: null })
    if (this.#ended === 'interrupted') return { ...retryable('The call was interrupted.'), reason: 'interrupted' }
    if (error instanceof Anthropic.APIError && error.status !== undefined) {
      const { status, type, headers } = error
      return toFailure({ status, type, message: error.apiMessage ?? error.message, headers: headers ?? null }, Date.now())
    }
    if (this.#ended === 'stalled') return retryable(`The provider was silent for ${this.#input.limits.stallMs} ms.`)
    if (this.#ended === 'too_large') return retryable(`The answer was cut off above ${this.#input.limits.maxAnswerBytes} bytes.`)
    if (error instanceof StreamedError)
      return toFailure({ status: null, type: error.type, message: error.message, headers: null }, Date.now())
    if (error instanceof MalformedStream) return retryable(`The provider's stream is malformed: ${error.message}.`)
    if (error instanceof UnfinishedStream) return retryable("The provider's stream ended before the answer did.")
    return retryable(`The connection to the provider broke (${toCode(error) ?? 'no code'}).`)
  }

  /** Source: architecture.md, "Reserving": only a lost connection, silence, or a stream without its end leave the cost unknown. */
  #toBilling(error: unknown): Billing {
    if (!this.#sent) return { kind: 'none' }
    if (this.#ended === 'interrupted' || this.#ended === 'too_large') return this.#toEstimate()
    if (error instanceof Anthropic.APIError && error.status !== undefined) return { kind: 'none' }
    if (this.#ended === 'stalled') return { kind: 'unknown' }
    // An error in place of `message_start` is a refusal that came with the wrong status.
    if (error instanceof StreamedError) return this.#answer.started ? this.#toEstimate() : { kind: 'none' }
    if (error instanceof MalformedStream) return this.#toEstimate()
    return wasNeverConnected(error) ? { kind: 'none' } : { kind: 'unknown' }
  }

  #toEstimate(): Billing {
    const usage = this.#answer.toEstimatedUsage(this.#input.request.maxTokens)
    return usage ? { kind: 'estimated', usage } : { kind: 'unknown' }
  }

  /** A proxy on the way might quote what it was sent. */
  #redact(message: string): string {
    return message.replaceAll(this.#input.apiKey, '[key]')
  }
}

function parseData(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new MalformedStream('an event is not JSON', { cause })
  }
}

function toStreamedError(data: string): StreamedError {
  const { type, message } = toRecord(toRecord(parseData(data)).error)
  return new StreamedError(
    typeof type === 'string' ? type : null,
    typeof message === 'string' ? message : 'The provider reported an error.',
  )
}
