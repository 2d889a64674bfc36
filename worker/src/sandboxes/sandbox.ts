/**
 * Where a session's tools run, as a turn sees it. Two kinds implement this: `docker` (isolated) and `process` (not).
 * What a sandbox reports is the agent's own word: nothing here decides whether a session is done, except `check`,
 * which never touches the agent's container.
 */
import type { Readable } from 'node:stream'
import type { SandboxImages } from './sandbox-images.ts'
import type { SetUps } from './set-ups.ts'
import type { WarmSandboxes } from './warm-sandboxes.ts'

export type SandboxSpec = {
  tenantId: string
  sessionId: string
  image: string
  cpus: number
  memoryMb: number
  diskMb: number
}

export type CommandCall = {
  /** The number of the call's event in the session's log: unique, ever growing. Never an id from the model. */
  callNo: number
  /** A POSIX shell script, run with /workspace as its working folder. */
  script: string
  timeoutMs: number
  /** Bytes of output that come back; where there is more, head and tail do, and the path of a file in the sandbox that holds it. */
  maxOutputBytes: number
}

export type CommandResult = {
  /** stdout and stderr, interleaved as written, as UTF-8; head and tail when cut. */
  output: string
  exitCode: number
  durationMs: number
  truncated: boolean
  /** Where in the sandbox (outside /workspace, whose digest output must not change) the whole output lies, up to 8 MB, when it was cut. */
  outputFile: string | null
  timedOut: boolean
  /** Every process of the sandbox was ended while the call ran: how far it came is not known. `exitCode` is then 137. */
  restarted: boolean
}

export type CallState =
  | { state: 'done'; result: CommandResult }
  | { state: 'running' }
  /** The runner has never seen this number: the call may be run. */
  | { state: 'never' }
  /** The runner has seen it, and can't say how it ended (it was killed meanwhile). */
  | { state: 'unknown' }

/** A newer claimant has spoken to the runner. */
export class StaleEpochError extends Error {}
/** It is gone, with its files. */
export class SandboxLostError extends Error {}
/** The engine does not answer, or the sandbox can't be started now: later it may. */
export class SandboxUnavailableError extends Error {}
/** It was started, and its runner does not answer: a machine that is too busy, or an agent that has put another in its place. */
export class SandboxSilentError extends SandboxUnavailableError {}
/** The engine has no such image and can't get it, or can't start it: trying again helps only once someone mends it. */
export class SandboxImageError extends Error {}
/** A signal's reason: the caller goes, and what runs is to go on without it, for whoever takes over to collect. */
export class LeaveRunning extends Error {}
/** The runner has seen the number before. */
export class RepeatedCallError extends Error {}

export interface Sandbox {
  readonly id: string
  /** The user that the agent's commands run as: what is put in must be theirs. */
  readonly owner: { uid: number; gid: number }
  /**
   * Runs a call. When `signal` aborts, its process group is killed and what there is of its result comes back; with LeaveRunning as
   * its reason the call goes on, and that reason is thrown.
   * Throws StaleEpochError, SandboxLostError, SandboxUnavailableError; RepeatedCallError for a number seen before.
   */
  run(call: CommandCall, signal: AbortSignal): Promise<CommandResult>
  /** What became of a call that an earlier worker may have started; `signal` stops the wait for one still running. */
  inspectCall(call: Pick<CommandCall, 'callNo' | 'maxOutputBytes'>): Promise<CallState>
  awaitCall(call: Pick<CommandCall, 'callNo' | 'timeoutMs' | 'maxOutputBytes'>, signal: AbortSignal): Promise<CommandResult>
  /** A tar of one folder or file, names relative to its parent as the engine gives them. */
  getArchive(path: string): Promise<Readable>
  /** Unpacks a tar below `path`. Fenced like `run` where the platform can. */
  putArchive(path: string, tar: Readable): Promise<void>
  /**
   * Bytes that the agent's user may read at `path` and nobody inside can change, until they are taken back; in the folder `scratch`, on
   * the workspace's file system, it may write. Fenced like `putArchive`.
   */
  lend(bytes: Readable, sizeBytes: number): Promise<{ path: string; scratch: string; takeBack(): Promise<void> }>
  /** Lets go of the channel; the sandbox lives on. */
  detach(): Promise<void>
}

export type OpenOptions = {
  epoch: number
  /** The sandbox that the session's log knows, whose workspace is filled: the log says so before a tool runs. Any other is made anew. */
  filledId: string | null
  signal: AbortSignal
  /** Asked only where one is made: the kept image that it is made from, whole and filled; null for the environment's own. */
  findImage?: () => Promise<string | null>
  /** Asked only where one is made from no kept image: the image with its environment's set-up, fresh otherwise; null for the environment's own. */
  findSetUp?: () => Promise<string | null>
}

/** `fresh`: its file system is new, and resources must be put in before a tool runs. New ones with the same `madeFrom` hold the same. */
export type OpenedSandbox = { sandbox: Sandbox; fresh: boolean; madeFrom: string }

export type CheckSpec = {
  tenantId: string
  sessionId: string
  image: string
  /** The image with the environment's set-up, in place of its own. */
  setUpImageId: string | null
  cpus: number
  memoryMb: number
  diskMb: number
  /** A tar whose entries lie below `workspace/`: the copy, with protected paths already put back. */
  workspace: () => Promise<Readable>
  run: string
  timeoutMs: number
  maxOutputBytes: number
}
/** `completed: false`: the check itself could not run (no image, engine gone, timed out as `timedOut`); it never satisfies. */
export type CheckResult = {
  completed: boolean
  exitCode: number | null
  output: string
  timedOut: boolean
  durationMs: number
  error: string | null
  isolated: boolean
}

export interface SandboxProvider {
  readonly name: 'docker' | 'process'
  readonly isolated: boolean
  /** Null where the platform can't keep whole file systems: there only /workspace is kept. */
  readonly images: SandboxImages | null
  /** Null where nothing can be set up for one environment alone: those with a script are refused. */
  readonly setUps: SetUps | null
  /** Null where making one costs nothing that could be done ahead. `open` takes from these what fits, before it makes one. */
  readonly warm: WarmSandboxes | null
  /** Names the engine whose sandboxes only its own workers can reach. Throws SandboxUnavailableError while it can't be reached. */
  engineId(): Promise<string>
  /**
   * The session's sandbox, attached, under this epoch: started again if it is stopped, made if there is none, or only one that is not
   * the filled one (a crash between making and filling starts over).
   */
  open(spec: SandboxSpec, options: OpenOptions): Promise<OpenedSandbox>
  /** Stops the session's container, a frozen one too (its layer stays). */
  stop(sessionId: string): Promise<void>
  /**
   * Whether anything runs that the agent has started: seen from outside, never asked of the inside. False where it is stopped or gone.
   * Throws SandboxUnavailableError where nobody can say.
   */
  hasProcesses(sessionId: string): Promise<boolean>
  /** Freezes it with its memory: whoever opens it next goes on where it is. False where that can't be: it does not run, or this kind can't. */
  pause(sessionId: string): Promise<boolean>
  /** Lets it go on; nothing where it is not frozen. */
  unpause(sessionId: string): Promise<void>
  /** Removes it and all that belongs to it. Idempotent. */
  remove(sessionId: string): Promise<void>
  /** What of ours this engine holds, by label, for the reaper and the checker. */
  list(): Promise<
    {
      id: string
      sessionId: string
      /** Of a `build`, which belongs to no session. */
      buildId: string | null
      /** Of a `warm` one, which is nobody's yet: who made it. */
      workerId: string | null
      /** Empty where it was made before it was a session's: the session's row says whose that is. */
      tenantId: string
      kind: 'sandbox' | 'check' | 'clone' | 'copy' | 'build' | 'warm'
      running: boolean
      paused: boolean
      createdAt: Date
    }[]
  >
  removeById(id: string): Promise<void>
  /** A command as the main process of a fresh container with a copy of the workspace. */
  check(spec: CheckSpec, signal: AbortSignal): Promise<CheckResult>
  /**
   * Reads without waking: works on a stopped sandbox too. Null where nothing lies at the path. Throws SandboxLostError where the session's
   * sandbox is not this one, which its log knows: another of it, older or just made, holds other files.
   */
  readWorkspace(of: { sessionId: string; sandboxId: string }, path: string): Promise<Readable | null>
  /** Clones a repository at a commit, in a place without secrets, and gives a tar of it, entries below `repository/`. Throws GitCloneError for what address or repository is to blame. */
  cloneGit(source: { url: string; commit: string; tenantId: string; sessionId: string }, signal: AbortSignal): Promise<Readable>
  stopAll(): Promise<void>
}
