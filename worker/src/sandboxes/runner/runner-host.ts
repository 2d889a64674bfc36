import type { Readable } from 'node:stream'

export type RunnerListener = {
  onLine: (line: string) => void
  /** The channel ended, not by our `close`. */
  onEnd: () => void
}
export interface RunnerChannel {
  send(line: string): void
  close(): void
}

/** What a kind of sandbox lends the client: ways to reach the runner, to end everything inside, and to read a call's files. */
export interface RunnerHost {
  /** Reaches the runner, starting it first where it is down. Throws SandboxLostError, SandboxUnavailableError. */
  connect(listener: RunnerListener): Promise<RunnerChannel>
  /** Makes the folders that the runner and the agent need, where the image has none. */
  furnish(): Promise<void>
  /** Ends every process of the sandbox, the runner too. Files stay. */
  killAll(): Promise<void>
  /** A file that the runner keeps for a call; null when there is none. */
  readCallFile(callNo: number, name: 'out' | 'tail'): Promise<Readable | null>
  /** Places a script that is too long for a line, and answers its path in the sandbox. */
  putCallScript(callNo: number, script: string): Promise<string>
  /** Where the agent finds the call's whole output. */
  outputPath(callNo: number): string
}
