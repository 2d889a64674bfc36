import { Worker } from 'node:worker_threads'

export type MatchJob = { bytes: Uint8Array } & ({ kind: 'pattern'; pattern: string } | { kind: 'schema'; schema: unknown })

/** `broken`: pattern or schema can't be applied at all. */
export type MatchReply = { holds: true } | { holds: false; reasons: string[] } | { broken: string }

export type MatchOutcome = MatchReply | { exceeded: 'time' | 'memory' }

/** From security.md: one second and 64 MB, whatever was written into pattern, schema or file. */
const MATCH_MS = 1_000
const MEMORY_MB = 64
/** Loading the thread's modules is ours, not the file's, and slow on a busy machine. */
const START_MS = 15_000
/** Threads at once; more wait. */
const MAX_THREADS = 4

let running = 0
const waiting: (() => void)[] = []

/** Checks bytes that an agent wrote by what a tenant wrote, where neither can harm: no environment, bounded time and memory. */
export const matchInThread = async (job: MatchJob): Promise<MatchOutcome> => {
  if (running >= MAX_THREADS) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await matchOnce(job)
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}

const matchOnce = async (job: MatchJob): Promise<MatchOutcome> => {
  const thread = new Worker(new URL('./match-thread.ts', import.meta.url), {
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, maxYoungGenerationSizeMb: MEMORY_MB / 4, stackSizeMb: 2 },
  })
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<MatchOutcome>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`the thread that checks files did not start within ${START_MS} ms`)), START_MS)
      thread.on('message', (message: 'ready' | MatchReply) => {
        clearTimeout(timer)
        if (message !== 'ready') return resolve(message)
        timer = setTimeout(() => resolve({ exceeded: 'time' }), MATCH_MS)
        thread.postMessage(job)
      })
      thread.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') resolve({ exceeded: 'memory' })
        else reject(error)
      })
      thread.on('exit', () => reject(new Error('the thread that checks files ended without an answer')))
    })
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}
