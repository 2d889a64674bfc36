/**
 * Which script a request follows, and how far it is: a pure function of the request, so that the server may be restarted.
 *
 * The newest `[[script:NAME]]` in the system prompt or a user's text decides, tool results excluded; the step is the number of
 * answers since. A judge's request (it forces a tool, or offers one whose name holds "verdict") follows the newest
 * `[[judge:NAME]]` where there is one. Ordinary requests never look at that marker: a rubric that is quoted to the agent with its
 * verdict must not steer the agent.
 */
import type { MessagesRequest, WireBlock } from './script.ts'

export type Selection = { script: string; index: number } | null

const MARKER = /\[\[(script|judge):([\w.-]+)\]\]/g

export function selectStep(request: MessagesRequest): Selection {
  const judge = isJudges(request)
  return (judge && newest(request, 'judge')) || newest(request, 'script')
}

function newest(request: MessagesRequest, family: 'script' | 'judge'): Selection {
  let answers = 0
  for (const message of request.messages.toReversed()) {
    if (message.role === 'assistant') answers++
    const name = message.role === 'user' ? lastMarker(toTexts(message.content), family) : null
    if (name) return { script: name, index: answers }
  }
  const name = lastMarker(toTexts(request.system ?? ''), family)
  return name ? { script: name, index: answers } : null
}

function lastMarker(texts: string[], family: string): string | null {
  return texts.flatMap((text) => [...text.matchAll(MARKER)]).findLast((match) => match[1] === family)?.[2] ?? null
}

export function toTexts(content: string | WireBlock[]): string[] {
  if (typeof content === 'string') return [content]
  return content.flatMap((block) => (block.type === 'text' && block.text !== undefined ? [block.text] : []))
}

function isJudges(request: MessagesRequest): boolean {
  return request.tool_choice?.type === 'tool' || (request.tools ?? []).some((tool) => /verdict/i.test(tool.name))
}
