/** The scripted model's server. See script.ts for what it is, select-step.ts for who gets which step, witness.ts for its file. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkRequest } from './check-request.ts'
import { countPromptTokens, PromptCache } from './count-usage.ts'
import { toDefaultStep } from './default-step.ts'
import { type Answer, planAnswer, toMessage } from './plan-answer.ts'
import { RateLimit } from './rate-limit.ts'
import type { Fault, MessagesRequest, Script, Step, WireUsage } from './script.ts'
import { repairScript } from './scripts/repair.ts'
import { type Selection, selectStep } from './select-step.ts'
import { type Sent, streamAnswer } from './stream-answer.ts'
import { sendError, type WireError } from './wire-errors.ts'
import { type Charge, createWitness, toCharge } from './witness.ts'

export type ScriptedModelSettings = {
  /** 0, the default, takes a free one. */
  port?: number
  /** Loopback when left out. */
  host?: string | undefined
  scripts?: Record<string, Script>
  witnessFile?: string
  /** Above it 429 with retry-after; null, the default, is no limit. */
  tokensPerMinute?: number | null
  /** How many requests and charges are kept to be looked at; 10,000 by default. */
  keep?: number
}

export type SeenRequest = {
  at: Date
  requestId: string
  /** metadata.user_id. */
  session: string | null
  script: string | null
  step: number
  attempt: number
  /** It was over the limit, and was told to come back after so many seconds; null when it was let in. */
  toldToWaitSeconds: number | null
  /** Without the key. */
  headers: Record<string, unknown>
  body: MessagesRequest
}

export type ScriptedModel = {
  /** Base URL for the SDK. */
  url: string
  /** Any key is let in; none is refused. */
  apiKey: string
  requests: SeenRequest[]
  charges: Charge[]
  addScript(name: string, script: Script): void
  setTokensPerMinute(limit: number | null): void
  /** The first request that fits, of those seen and those to come. Rejects when the server stops. */
  waitForRequest(fits: (request: SeenRequest) => boolean): Promise<SeenRequest>
  stop(): Promise<void>
}

/** The provider's own limit is 32 MB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024
/** More attempts than this are forgotten, oldest first; a fault might then happen again. */
const MAX_ATTEMPT_KEYS = 20_000

export async function startScriptedModel(settings: ScriptedModelSettings = {}): Promise<ScriptedModel> {
  const scripts = new Map<string, Script>([['repair', repairScript()], ...Object.entries(settings.scripts ?? {})])
  const witness = createWitness(settings.witnessFile)
  const cache = new PromptCache()
  const limit = new RateLimit(settings.tokensPerMinute ?? null)
  const attempts = new Map<string, number>()
  const keep = settings.keep ?? 10_000
  const requests: SeenRequest[] = []
  const charges: Charge[] = []
  const waiting = new Set<{
    fits: (request: SeenRequest) => boolean
    resolve: (request: SeenRequest) => void
    reject: (error: Error) => void
  }>()
  let requestNo = 0

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    answerRequest(request, response).catch((error) => {
      // Only a client that left while it was still sending comes here.
      if (!response.headersSent) response.destroy(error instanceof Error ? error : undefined)
    })
  })

  async function answerRequest(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = `req_${Date.now().toString(36)}${(requestNo++).toString(36).padStart(6, '0')}`
    const refuse = (error: WireError) => sendError(response, requestId, error)
    const { 'x-api-key': key, authorization, ...headers } = incoming.headers
    if (!key && !authorization) return refuse({ status: 401, message: 'x-api-key header is required' })
    const path = incoming.url?.split('?')[0]
    if (incoming.method !== 'POST' || (path !== '/v1/messages' && path !== '/v1/messages/count_tokens'))
      return refuse({ status: 404, message: 'Not found' })
    const body = await readBody(incoming)
    if (body === null) return refuse({ status: 413, message: 'Request exceeds the maximum allowed number of bytes.' })
    const parsed = parseBody(body)
    if (!parsed) return refuse({ status: 400, message: 'The request body is not valid JSON.' })
    const wrong = checkRequest(path.endsWith('count_tokens') ? { ...parsed, max_tokens: 1 } : parsed, new Date())
    if (wrong) return refuse(wrong)
    if (path.endsWith('count_tokens')) {
      const counted = JSON.stringify({ input_tokens: countPromptTokens(parsed) })
      response.writeHead(200, { 'content-type': 'application/json', 'request-id': requestId }).end(counted)
      return
    }
    return answerMessages(parsed, { requestId, headers }, response)
  }

  async function answerMessages(
    request: MessagesRequest,
    { requestId, headers }: { requestId: string; headers: Record<string, unknown> },
    response: ServerResponse,
  ): Promise<void> {
    const refuse = (error: WireError) => sendError(response, requestId, error)
    const selection = selectStep(request)
    const wait = limit.secondsToWait(Date.now())
    const about = {
      requestId,
      session: request.metadata?.user_id ?? null,
      script: selection?.script ?? null,
      step: selection?.index ?? 0,
      // Refused by the limit, it is no attempt: a fault that was asked for is still to come.
      attempt: wait === null ? countAttempt(request, selection) : 0,
    }
    note({ at: new Date(), ...about, toldToWaitSeconds: wait, headers, body: request })
    if (wait !== null) return refuse(toLimitError(wait))
    const step = toStep(request, selection, about.attempt)
    if (!step) return refuse({ status: 400, message: `There is no script named "${about.script}".` })
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    await (step.delayMs ? sleep(step.delayMs, undefined, { signal: gone.signal }) : null)
    const fault = step.faults?.[about.attempt - 1] ?? null
    if (fault && refuseByFault(fault, response, refuse)) return
    const input = cache.count(request, Date.now())
    const answer = planAnswer({ request, step, fault, input, seed: requestId })
    const onSettled = (sent: Sent) => charge(about, answer, sent)
    if (request.stream) return streamAnswer(response, { answer, fault, requestId, gone: gone.signal, onSettled })
    onSettled({ started: true, finished: true, outputTokens: answer.usage.output_tokens })
    response.writeHead(200, { 'content-type': 'application/json', 'request-id': requestId }).end(JSON.stringify(toMessage(answer)))
  }

  function toStep(request: MessagesRequest, selection: Selection, attempt: number): Step | null {
    if (!selection) return toDefaultStep(request)
    const script = scripts.get(selection.script)
    if (!script) return null
    const step = typeof script === 'function' ? script : script[selection.index]
    if (step === undefined) return toDefaultStep(request)
    return typeof step === 'function' ? step(request, { attempt, index: selection.index }) : step
  }

  function countAttempt(request: MessagesRequest, selection: Selection): number {
    const hash = createHash('sha256').update(JSON.stringify([request.metadata?.user_id, selection, request.system, request.messages]))
    const key = hash.digest('base64')
    const attempt = (attempts.get(key) ?? 0) + 1
    attempts.set(key, attempt)
    const oldest = attempts.keys().next().value
    if (attempts.size > MAX_ATTEMPT_KEYS && oldest !== undefined) attempts.delete(oldest)
    return attempt
  }

  function note(request: SeenRequest): void {
    requests.push(request)
    if (requests.length > keep) requests.shift()
    for (const waiter of waiting) {
      if (!waiter.fits(request)) continue
      waiting.delete(waiter)
      waiter.resolve(request)
    }
  }

  function charge(about: Omit<Charge, 'v' | 'at' | 'model' | 'finished' | 'usage' | 'costNanos'>, answer: Answer, sent: Sent): void {
    const usage: WireUsage = { ...answer.usage, output_tokens: sent.outputTokens }
    const line = toCharge({ ...about, model: answer.model, finished: sent.finished }, usage, new Date())
    limit.spend(countPromptUsage(usage) + usage.output_tokens)
    witness.write(line)
    charges.push(line)
    if (charges.length > keep) charges.shift()
  }

  server.listen(settings.port ?? 0, settings.host ?? '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    apiKey: 'scripted-model-key',
    requests,
    charges,
    addScript: (name, script) => scripts.set(name, script),
    setTokensPerMinute: (tokens) => limit.set(tokens),
    waitForRequest(fits) {
      const seen = requests.find(fits)
      return seen ? Promise.resolve(seen) : new Promise((resolve, reject) => waiting.add({ fits, resolve, reject }))
    },
    async stop() {
      for (const { reject } of waiting) reject(new Error('The scripted model stopped before such a request came.'))
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      witness.stop()
    },
  }
}

function toLimitError(seconds: number): WireError {
  const message = 'This request would exceed your rate limit of tokens per minute.'
  return { status: 429, message, headers: { 'retry-after': String(seconds) } }
}

/** Answers a fault that comes instead of an answer; false when the answer is to go ahead. */
function refuseByFault(fault: Fault, response: ServerResponse, refuse: (error: WireError) => void): boolean {
  if (fault.kind === 'reset_before_headers') {
    response.socket?.resetAndDestroy()
    return true
  }
  if (fault.kind === 'prompt_too_long') {
    refuse({ status: 400, message: 'prompt is too long: 1000001 tokens > 1000000 maximum' })
    return true
  }
  if (fault.kind !== 'status') return false
  const { status, type, message = 'A fault on demand.', retryAfter } = fault
  refuse({ status, type, message, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter } })
  return true
}

function countPromptUsage(usage: WireUsage): number {
  return usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens
}

async function readBody(incoming: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parseBody(body: string): MessagesRequest | null {
  try {
    return JSON.parse(body) as MessagesRequest
  } catch {
    // Said to the client as a 400.
    return null
  }
}
