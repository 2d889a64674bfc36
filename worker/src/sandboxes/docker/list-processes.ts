import type { Container } from 'dockerode'
import type { ListedProcess } from '../runner/find-agent-processes.ts'

/**
 * What the engine's machine runs in a container. `args` is cut: whoever is inside chooses it, 128 KB a word. It is cut only where a column
 * follows it, hence the second pid; the engine splits it at blanks.
 */
export const listProcesses = async (container: Container, abortSignal: AbortSignal): Promise<ListedProcess[]> => {
  const options = { ps_args: '-eo pid,ppid,stat,args:100,pid', abortSignal }
  const { Processes } = (await container.top(options)) as { Processes: string[][] }
  return Processes.map(([pid, ppid, state = '', ...args]) => ({ pid: Number(pid), ppid: Number(ppid), state, args: args.join(' ') }))
}
