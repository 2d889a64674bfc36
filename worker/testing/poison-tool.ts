import type { Tool } from '../src/tools/tool.ts'

const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('unreachable: SIGKILL can not be caught')
}

/** A tool that kills the worker that runs it, whichever that is. */
export const poison: Tool = {
  definition: { name: 'poison', description: 'Kills the worker.', inputSchema: { type: 'object', properties: {} } },
  summarize: () => 'poison',
  run: async () => die(),
  collect: async () => die(),
}

export const withPoison = (tools: ReadonlyMap<string, Tool>): ReadonlyMap<string, Tool> => new Map([...tools, ['poison', poison]])
