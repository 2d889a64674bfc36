/** One process of a sandbox as its engine lists it. `args`: its command line, or the first hundred characters of it. */
export type ListedProcess = { pid: number; ppid: number; state: string; args: string }

/** How runner.sh and its performers begin: what a list of processes can be cut to, and still be told apart. */
const RUNNER = "sh -c # Longhaul's resident runner"
const PERFORMER = 'sh -c # Longhaul performs'

/**
 * What the agent has started and left running, or a call that is under way. Not the engine's init, nor the runner: its takers have its
 * own command line, what keeps and sends output is a child of theirs, and one performer waits for a call. A subshell that a call has left
 * behind looks like that one, so a second is the agent's. An agent that gives its processes such names hides them, and has them stopped
 * the sooner.
 */
export const findAgentProcesses = (processes: readonly ListedProcess[]): ListedProcess[] => {
  const byPid = new Map(processes.map((listed) => [listed.pid, listed]))
  let waits = 1
  const isOurs = ({ ppid, state, args }: ListedProcess): boolean => {
    const parent = byPid.get(ppid)?.args ?? ''
    if (state.startsWith('Z') || args.startsWith(RUNNER)) return true
    if (args.startsWith(PERFORMER)) return !parent.startsWith(PERFORMER) && waits-- > 0
    return parent.startsWith(RUNNER) || (parent === '' && args.includes(RUNNER))
  }
  return processes.filter((listed) => !isOurs(listed))
}
