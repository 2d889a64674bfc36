import { spawn } from 'node:child_process'
import { killProcesses } from './kill-processes.ts'
import { isRoot, type SessionFolder } from './session-folder.ts'

type Options = { script: string; args: string[]; timeoutMs: number; signal: AbortSignal; onOutput: (bytes: Buffer) => void }

/** Runs a command as the folder's user until it ends; null when the time was up. Afterwards nothing of that user's lives. */
export const runInFolder = async (
  folder: SessionFolder,
  { script, args, timeoutMs, signal, onOutput }: Options,
): Promise<number | null> => {
  const child = spawn('sh', ['-c', `exec 2>&1\n${script}`, 'sh', ...args], {
    env: folder.environment,
    cwd: folder.workspace,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    ...(isRoot() ? folder.meta.owner : {}),
  })
  child.stdout.on('data', onOutput)
  let timedOut = false
  const kill = () => void killProcesses(folder).catch(() => child.kill('SIGKILL'))
  const timer = setTimeout(() => {
    timedOut = true
    kill()
  }, timeoutMs)
  signal.addEventListener('abort', kill)
  try {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    child.on('error', reject).on('exit', (code) => resolve(code ?? 137))
    const exitCode = await promise
    // What it left in the background ends here, and with it the output.
    const closed = new Promise((done) => (child.stdout.closed ? done(null) : child.stdout.once('close', done)))
    await killProcesses(folder)
    await closed
    return timedOut ? null : exitCode
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', kill)
  }
}
