/**
 * How many tokens a request has, counted so that everyone gets the same figure: a token is four bytes of JSON, rounded up.
 * The prompt cache works as the provider's: what stands before a `cache_control` mark is written once and read for five minutes
 * (or the hour asked for) by every request that begins with the same bytes.
 */
import { createHash } from 'node:crypto'
import type { MessagesRequest, WireUsage } from './script.ts'

/** The provider caches no shorter prefix. */
const MIN_CACHED_TOKENS = 1_024
const BYTES_PER_TOKEN = 4

export const toTokens = (bytes: number): number => Math.ceil(bytes / BYTES_PER_TOKEN)
export const toBytes = (tokens: number): number => tokens * BYTES_PER_TOKEN

export class PromptCache {
  #expiryByPrefix = new Map<string, number>()

  /** Counts the input of a request that is made now, and remembers the prefixes it marked. */
  count(request: MessagesRequest, nowMs: number): Omit<WireUsage, 'output_tokens'> {
    const hash = createHash('sha256').update(request.model)
    let bytes = 0
    let readBytes = 0
    let markedBytes = 0
    let lifetime: '5m' | '1h' = '5m'
    const marked: { prefix: string; lifetimeMs: number }[] = []
    for (const { text, mark } of toParts(request)) {
      hash.update(text)
      bytes += Buffer.byteLength(text)
      if (toTokens(bytes) < MIN_CACHED_TOKENS) continue
      const prefix = hash.copy().digest('base64')
      if ((this.#expiryByPrefix.get(prefix) ?? 0) > nowMs) readBytes = bytes
      if (!mark) continue
      lifetime = mark
      markedBytes = bytes
      marked.push({ prefix, lifetimeMs: mark === '1h' ? 3_600_000 : 300_000 })
    }
    for (const { prefix, lifetimeMs } of marked) this.#remember(prefix, nowMs + lifetimeMs)
    const total = toTokens(bytes)
    const read = markedBytes > 0 ? toTokens(Math.min(readBytes, markedBytes)) : 0
    const written = Math.max(0, toTokens(markedBytes) - read)
    return {
      input_tokens: total - read - written,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: written,
      cache_creation: {
        ephemeral_5m_input_tokens: lifetime === '5m' ? written : 0,
        ephemeral_1h_input_tokens: lifetime === '1h' ? written : 0,
      },
    }
  }

  #remember(prefix: string, expiry: number): void {
    // Deleting first keeps the map in order of use, so that the bound drops the coldest.
    this.#expiryByPrefix.delete(prefix)
    this.#expiryByPrefix.set(prefix, expiry)
    const oldest = this.#expiryByPrefix.keys().next().value
    if (this.#expiryByPrefix.size > 50_000 && oldest !== undefined) this.#expiryByPrefix.delete(oldest)
  }
}

/** Every input token of a request, as count_tokens answers it. */
export function countPromptTokens(request: MessagesRequest): number {
  return toTokens(toParts(request).reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0))
}

/** The prompt in the order in which it is cached: tools, system, messages; a mark is no part of the text. */
function toParts(request: MessagesRequest): { text: string; mark: '5m' | '1h' | null }[] {
  const parts: { text: string; mark: '5m' | '1h' | null }[] = []
  const add = ({ cache_control, ...rest }: { cache_control?: unknown }) =>
    parts.push({ text: JSON.stringify(rest), mark: toMark(cache_control) })
  for (const tool of request.tools ?? []) add(tool)
  for (const block of toBlocks(request.system ?? [])) add(block)
  for (const { role, content } of request.messages) {
    parts.push({ text: role, mark: null })
    for (const block of toBlocks(content)) add(block)
  }
  return parts
}

function toBlocks(content: string | { cache_control?: unknown }[]): { cache_control?: unknown }[] {
  return typeof content === 'string' ? [{ type: 'text', text: content } as { cache_control?: unknown }] : content
}

function toMark(control: unknown): '5m' | '1h' | null {
  if (typeof control !== 'object' || control === null) return null
  return (control as { ttl?: string }).ttl === '1h' ? '1h' : '5m'
}
