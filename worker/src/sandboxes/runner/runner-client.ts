import { setTimeout as sleep } from 'node:timers/promises'
import { LeaveRunning, RepeatedCallError, SandboxSilentError, StaleEpochError } from '../sandbox.ts'
import type { RunnerChannel, RunnerHost } from './runner-host.ts'
import { type InlineOutput, parseReply, type Reply, runLine } from './runner-lines.ts'

/** `killed`: the runner ended while the call ran, and every process with it; how far it had come can't be known. */
export type CallEnd =
  | { kind: 'ended'; exitCode: number; durationMs: number; inlineOutput: InlineOutput }
  | { kind: 'killed' }
  | { kind: 'broken' }

/** How long a healthy runner may take to say hello or to report a kill. A fork bomb leaves it silent for ever. */
const answerMs = 1_000
/** A first hello waits for a container's start on a busy machine. */
const helloMs = 5_000
/** A command that left a background process keeps its output open: so long it is waited for what is still on its way. */
const drainMs = 250
const maxRecoveries = 5
/** A line can be lost: a process inside may write into the middle of the runner's. So often open calls are asked after. */
const askAgainMs = 3_000

type OpenCall = {
  line: string | null
  /** Asked after since the channel was mended: only then does `never` mean that its line was lost. */
  asked: boolean
  recoveries: number
  /** Its end was heard, and its result is asked for in a moment: once, however often a forger says it. */
  collecting: boolean
  ended: Promise<CallEnd>
  settle: (end: CallEnd) => void
  fail: (error: Error) => void
}
type Question = { callNo: number; words: Set<Reply['word']>; answer: (reply: Reply) => void }

/**
 * One claimant's connection to a runner. A channel that breaks is mended: the container is started again if it stopped, each open
 * call is asked after, and one that the runner has never seen is sent again.
 */
export class RunnerClient {
  readonly #host: RunnerHost
  #epoch: number
  readonly #calls = new Map<number, OpenCall>()
  readonly #questions = new Set<Question>()
  #channel: RunnerChannel | null = null
  #mending: Promise<void> | null = null
  #asking: NodeJS.Timeout | null = null
  #closed = false
  #broken: Error | null = null

  constructor(host: RunnerHost, epoch: number) {
    this.#host = host
    this.#epoch = epoch
  }

  /** Makes this epoch the runner's: from here on it refuses earlier claimants. */
  async connect(): Promise<void> {
    await this.#mend()
    if (this.#broken) throw this.#broken
  }

  /** From here on it speaks for this claimant, to a runner that has heard nobody yet. Throws SandboxSilentError. */
  async raise(epoch: number): Promise<void> {
    this.#epoch = epoch
    if (this.#channel === null || !(await this.#greet(answerMs)))
      throw new SandboxSilentError('The runner of a sandbox made ahead does not answer.')
  }

  /** Throws StaleEpochError where a newer claimant has spoken. */
  async assertCurrent(): Promise<void> {
    await this.#usable()
    if (await this.#greet()) return
    await this.#restart()
  }

  async start(callNo: number, script: string, signal: AbortSignal): Promise<CallEnd> {
    await this.#usable()
    signal.throwIfAborted()
    const line = runLine(this.#epoch, callNo, script)
    const call = this.#open(callNo, line)
    this.#send(line)
    return call.ended
  }

  /** Waits for a call that someone else started; one whose `signal` has aborted before it was heard of is interrupted now. */
  async follow(callNo: number, signal: AbortSignal): Promise<CallEnd> {
    await this.#usable()
    const call = this.#calls.get(callNo) ?? this.#open(callNo, null)
    this.#send(`${this.#epoch} ${callNo} state`)
    if (signal.aborted && !(signal.reason instanceof LeaveRunning)) void this.interrupt(callNo)
    return call.ended
  }

  async inspect(callNo: number): Promise<'never' | 'running' | 'unknown' | 'done'> {
    await this.#usable()
    for (let attempt = 1; attempt <= 2; attempt++) {
      const reply = await this.#ask(callNo, 'state', ['never', 'running', 'exited', 'unknown', 'done'], helloMs)
      if (reply?.word === 'exited') return 'done'
      if (reply) return reply.word as 'never'
      await this.#restart()
    }
    return 'unknown'
  }

  /** Kills a call's group; when that is not reported within a second, everything. Afterwards the call has ended. */
  async interrupt(callNo: number): Promise<void> {
    const call = this.#calls.get(callNo)
    if (!call) return
    await this.#mending
    this.#send(`${this.#epoch} ${callNo} kill`)
    const ended = call.ended.then(
      () => true,
      () => true,
    )
    if (await Promise.race([ended, sleep(answerMs, false, { ref: false })])) return
    await this.#restart()
    // What an agent has put in the place of a result is none.
    if (await Promise.race([ended, sleep(answerMs, false, { ref: false })])) return
    call.settle({ kind: 'killed' })
  }

  close(): void {
    this.#closed = true
    this.#drop()
    this.#failAll(new Error('The sandbox was detached while a call was open.'))
  }

  #open(callNo: number, line: string | null): OpenCall {
    if (this.#calls.has(callNo)) throw new RepeatedCallError(`Call ${callNo} is open already.`)
    const { promise, resolve, reject } = Promise.withResolvers<CallEnd>()
    const done = () => {
      this.#calls.delete(callNo)
      if (this.#calls.size > 0 || this.#asking === null) return
      clearInterval(this.#asking)
      this.#asking = null
    }
    const call: OpenCall = {
      line,
      asked: line === null,
      recoveries: 0,
      collecting: false,
      ended: promise,
      settle: (end) => {
        done()
        resolve(end)
      },
      fail: (error) => {
        done()
        reject(error)
      },
    }
    this.#calls.set(callNo, call)
    this.#asking ??= setInterval(() => {
      for (const open of this.#calls.keys()) this.#send(`${this.#epoch} ${open} state`)
    }, askAgainMs)
    return call
  }

  async #usable(): Promise<void> {
    await this.#mending
    if (this.#broken) throw this.#broken
    if (this.#closed) throw new Error('The sandbox was detached.')
    if (this.#channel === null) await this.#mend()
    if (this.#broken) throw this.#broken
  }

  #send(line: string): void {
    this.#channel?.send(line)
  }

  async #attach(): Promise<void> {
    this.#drop()
    let channel: RunnerChannel | null = null
    channel = await this.#host.connect({
      onLine: (line) => this.#hear(line),
      onEnd: () => {
        if (channel === null || this.#channel !== channel) return
        this.#channel = null
        // With nothing to wait for it may stay stopped: whoever stopped it meant it to rest. The next call starts it again.
        if (this.#calls.size > 0 || this.#questions.size > 0) void this.#mend()
      },
    })
    this.#channel = channel
    // An earlier client may have died in the middle of a line.
    channel.send('')
  }

  #hear(line: string): void {
    const reply = parseReply(line)
    if (!reply) return
    if (reply.word === 'stale') {
      if (reply.epoch === this.#epoch)
        this.#failAll(new StaleEpochError(`A claimant of epoch ${reply.currentEpoch} has taken the sandbox over from ${this.#epoch}.`))
      return
    }
    if (reply.epoch !== 0 && reply.epoch !== this.#epoch) return
    for (const question of this.#questions) if (question.callNo === reply.callNo && question.words.has(reply.word)) question.answer(reply)
    const call = this.#calls.get(reply.callNo)
    if (call) this.#advance(reply, call)
  }

  #advance(reply: Reply, call: OpenCall): void {
    if (reply.word === 'done')
      call.settle({ kind: 'ended', exitCode: reply.exitCode, durationMs: reply.durationMs, inlineOutput: reply.inlineOutput })
    else if (reply.word === 'exited') this.#collectSoon(reply.callNo, call)
    else if (reply.word === 'unknown') call.settle({ kind: 'killed' })
    else if (reply.word === 'broken') call.settle({ kind: 'broken' })
    else if (reply.word === 'repeat') call.fail(new RepeatedCallError(`Call ${reply.callNo} was run before.`))
    else if (reply.word === 'garbled' || (reply.word === 'never' && call.asked)) this.#sendAgain(call)
  }

  #collectSoon(callNo: number, call: OpenCall): void {
    if (call.collecting) return
    call.collecting = true
    setTimeout(() => {
      call.collecting = false
      if (this.#calls.get(callNo) === call) this.#send(`${this.#epoch} ${callNo} collect`)
    }, drainMs)
  }

  #sendAgain(call: OpenCall): void {
    call.asked = call.line === null
    if (call.line === null || ++call.recoveries > maxRecoveries) call.settle({ kind: 'killed' })
    else this.#send(call.line)
  }

  /** Null when nothing was heard in time. */
  async #ask(callNo: number, verb: string, words: Reply['word'][], timeoutMs: number): Promise<Reply | null> {
    const { promise, resolve } = Promise.withResolvers<Reply | null>()
    const question: Question = { callNo, words: new Set(words), answer: resolve }
    this.#questions.add(question)
    const timer = setTimeout(() => resolve(null), timeoutMs)
    try {
      this.#send(`${this.#epoch} ${callNo} ${verb}`)
      const reply = await promise
      if (this.#broken) throw this.#broken
      return reply
    } finally {
      clearTimeout(timer)
      this.#questions.delete(question)
    }
  }

  /** Images of ours bring the runner's folders along; into others they are put once the runner has missed them. */
  async #greet(timeoutMs = helloMs): Promise<boolean> {
    const reply = await this.#ask(0, 'hello', ['hello', 'bare'], timeoutMs)
    if (reply?.word !== 'bare') return reply !== null
    await this.#host.furnish()
    return (await this.#ask(0, 'hello', ['hello'], helloMs)) !== null
  }

  async #restart(): Promise<void> {
    this.#drop()
    await this.#host.killAll()
    await this.#mend()
  }

  #drop(): void {
    const channel = this.#channel
    this.#channel = null
    channel?.close()
  }

  #mend(): Promise<void> {
    this.#mending ??= this.#reconnect().finally(() => {
      this.#mending = null
    })
    return this.#mending
  }

  async #reconnect(): Promise<void> {
    try {
      for (let attempt = 1; ; attempt++) {
        await this.#attach()
        if (await this.#greet()) break
        if (attempt === 2) throw new SandboxSilentError('The sandbox started, but its runner does not answer.')
        await this.#host.killAll()
      }
      for (const [callNo, call] of this.#calls) {
        call.asked = true
        this.#send(`${this.#epoch} ${callNo} state`)
      }
    } catch (error) {
      this.#failAll(error as Error)
    }
  }

  #failAll(error: Error): void {
    this.#broken ??= error
    for (const call of [...this.#calls.values()]) call.fail(error)
    for (const question of [...this.#questions]) question.answer({ word: 'hello', epoch: this.#epoch, callNo: question.callNo })
  }
}
