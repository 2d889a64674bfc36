import { bash } from './bash.ts'
import type { Tool } from './tool.ts'

/** In the order in which the model is shown them: it must not change between calls, or the provider's cache of the prompt is lost. */
export const tools: readonly Tool[] = [bash]

export const toolsByName: ReadonlyMap<string, Tool> = new Map(tools.map((tool) => [tool.definition.name, tool]))
