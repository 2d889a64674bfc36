/** Chooses who answers for a model, by its name. */
import { createAnthropicModel } from './anthropic/anthropic-model.ts'
import type { Model } from './model.ts'

export type ModelSettings = {
  /** Null: no key is set, and every call is refused before it is made. */
  anthropicApiKey: string | null
  anthropicBaseUrl: string
  stallMs?: number
}

/** One model that makes each call with the provider of `request.model`. */
export function openModel({ anthropicApiKey, anthropicBaseUrl, stallMs }: ModelSettings): Model {
  const anthropic = anthropicApiKey === null ? null : createAnthropicModel({ apiKey: anthropicApiKey, baseUrl: anthropicBaseUrl, stallMs })
  return {
    async call(request, options) {
      if (!request.model.startsWith('claude-')) return refuse('not_found_error', `No provider is known for the model ${request.model}.`)
      if (!anthropic) return refuse('authentication_error', `ANTHROPIC_API_KEY is not set, and ${request.model} needs it.`)
      return anthropic.call(request, options)
    },
  }
}

function refuse(type: string, message: string): Awaited<ReturnType<Model['call']>> {
  const failure = { reason: 'rejected', message, status: null, type, retryAfterMs: null } as const
  return { kind: 'failed', failure, billing: { kind: 'none' }, requestId: null }
}
