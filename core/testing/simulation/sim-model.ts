import type { ModelLine } from '../../src/checker/read-witness.ts'
import type { ContentBlock, ContextMessage } from '../../src/events/content.ts'
import type { Random } from './random.ts'

export type SimAnswer = {
  requestId: string
  content: ContentBlock[]
  stopReason: 'end_turn' | 'tool_use' | 'max_tokens' | 'refusal'
  brokenCalls: { id: string; reason: 'invalid_json' | 'cut_off' }[]
  costNanos: bigint
}

/** What a call in flight may come to: the provider counts from its beginning, whoever hears the end. */
export type SimRequest = { line: ModelLine; answer: SimAnswer; refusedWith: 'overloaded' | null }

/** No call costs more, which is what a reservation holds. */
export const MAX_COST = 100n

/** A provider that refuses what the wire protocol refuses, draws its answers, and counts what it has begun. */
export class SimModel {
  readonly lines: ModelLine[] = []
  /** Requests that no provider would take: each is a mistake of ours. */
  readonly malformed: string[] = []
  /** Calls that were stopped because a person wished it, by session. */
  readonly stopped = new Map<string, number>()
  readonly #random: Random
  #requests = 0
  #calls = 0

  constructor(random: Random) {
    this.#random = random
  }

  begin(sessionId: string, messages: readonly ContextMessage[], { mayFail }: { mayFail: boolean }): SimRequest {
    const problem = findProblem(messages)
    if (problem !== null) this.malformed.push(`${sessionId}: ${problem}`)
    const requestId = `req_${++this.#requests}`
    const refusedWith = mayFail && this.#random.chance(0.06) ? 'overloaded' : null
    const line: ModelLine = { v: 1, requestId, session: sessionId, model: 'm', finished: false, costNanos: 1n }
    if (refusedWith === null) this.lines.push(line)
    return { line, refusedWith, answer: this.#drawAnswer(requestId) }
  }

  /** The last byte has left: the whole answer is billed, whether or not anybody reads it. */
  finish({ line, answer }: SimRequest): void {
    line.finished = true
    line.costNanos = answer.costNanos
  }

  stop(sessionId: string): void {
    this.stopped.set(sessionId, (this.stopped.get(sessionId) ?? 0) + 1)
  }

  #drawAnswer(requestId: string): SimAnswer {
    const random = this.#random
    const costNanos = BigInt(random.int(10, Number(MAX_COST)))
    const answer: SimAnswer = {
      requestId,
      content: [{ type: 'text', text: 'I work.' }],
      stopReason: 'end_turn',
      brokenCalls: [],
      costNanos,
    }
    const what = random.next()
    if (what < 0.04) return { ...answer, stopReason: 'refusal' }
    if (what < 0.09) return { ...answer, stopReason: 'max_tokens' }
    if (what < 0.45) return answer
    const calls = Array.from({ length: random.int(1, 3) }, () => `call_${++this.#calls}`)
    const broken = random.chance(0.1) ? calls.slice(-1) : []
    return {
      ...answer,
      content: [...answer.content, ...calls.map((id) => ({ type: 'tool_use' as const, id, name: 'bash', input: { key: id } }))],
      stopReason: 'tool_use',
      brokenCalls: broken.map((id) => ({ id, reason: 'cut_off' })),
    }
  }
}

/** What the Messages API would answer with 400. */
const findProblem = (messages: readonly ContextMessage[]): string | null => {
  if (messages.length === 0) return 'no messages'
  if (messages.at(-1)?.role !== 'user') return "the last message is not the user's"
  const seen = new Set<string>()
  for (const [index, { role, content }] of messages.entries()) {
    if (role !== (index % 2 === 0 ? 'user' : 'assistant')) return `message ${index} has the wrong role`
    if (content.length === 0) return `message ${index} is empty`
    const results = content.flatMap((block) => (block.type === 'tool_result' ? [block.tool_use_id] : []))
    const asked = (messages[index - 1]?.content ?? []).flatMap((block) => (block.type === 'tool_use' ? [block.id] : []))
    if (role === 'user' && results.join() !== asked.join()) return `message ${index} answers ${results.join()}, asked were ${asked.join()}`
    if (content.slice(0, results.length).some(({ type }) => type !== 'tool_result') && results.length > 0)
      return `message ${index} has results after other blocks`
    for (const block of content) {
      if (block.type !== 'tool_use') continue
      if (seen.has(block.id)) return `call ${block.id} stands twice`
      seen.add(block.id)
    }
  }
  return null
}
