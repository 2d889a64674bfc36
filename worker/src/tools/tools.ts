import { bash } from './bash.ts'
import { edit } from './edit.ts'
import { glob } from './glob.ts'
import { grep } from './grep.ts'
import { read } from './read.ts'
import type { Tool } from './tool.ts'
import { write } from './write.ts'

/** In the order in which the model is shown them: it must not change between calls, or the provider's cache of the prompt is lost. */
export const tools: readonly Tool[] = [bash, read, write, edit, glob, grep]

export const toolsByName: ReadonlyMap<string, Tool> = new Map(tools.map((tool) => [tool.definition.name, tool]))
