/**
 * Owns agents: versioned definitions of who works. An update makes a new version; sessions keep theirs. Must never change a version
 * that exists, and never decide what a session does with it.
 */
import { isPricedModel, pricedModelNames } from '../budgets/prices.ts'
import { badInput } from '../errors.ts'

/** Tools that an agent can be given permissions for. */
export const TOOL_NAMES = ['bash', 'read', 'write', 'edit', 'glob', 'grep'] as const

export type ToolGrant = { name: string; permission: 'ALWAYS_ALLOW' | 'DENY' }
export type AgentDefinition = { model: string; judgeModel: string | null; system: string | null; tools: ToolGrant[] }

export const MAX_SYSTEM_BYTES = 100_000

/** Models of a family we can call. One without a price is only refused where a budget stands above the session. */
const CALLABLE = /^claude-[a-z0-9][a-z0-9.-]{1,80}$/

/** Throws BAD_USER_INPUT that names the field of the public input. */
export const checkAgentDefinition = (definition: { [K in keyof AgentDefinition]?: AgentDefinition[K] | undefined }): void => {
  checkModel(definition.model, 'input.model')
  checkModel(definition.judgeModel, 'input.judgeModel')
  if (definition.system && Buffer.byteLength(definition.system) > MAX_SYSTEM_BYTES)
    throw badInput('input.system', `at most ${MAX_SYSTEM_BYTES} bytes of UTF-8`)
  const seen = new Set<string>()
  for (const [index, { name }] of (definition.tools ?? []).entries()) {
    if (!(TOOL_NAMES as readonly string[]).includes(name)) throw badInput(`input.tools.${index}.name`, `one of ${TOOL_NAMES.join(', ')}`)
    if (seen.has(name)) throw badInput(`input.tools.${index}.name`, 'named once')
    seen.add(name)
  }
}

const checkModel = (model: string | null | undefined, field: string): void => {
  if (model === undefined || model === null || isPricedModel(model) || CALLABLE.test(model)) return
  throw badInput(field, `a Claude model, such as ${pricedModelNames().join(', ')}`)
}
