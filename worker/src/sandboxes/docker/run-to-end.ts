import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from 'dockerode'
import { askEngine } from './engine.ts'
import { FrameReader } from './frame-reader.ts'

/** What the engine may take to report an end beyond the command's own time. */
const reportMs = 15_000
const drainMs = 2_000

/** Starts a container and answers its main process's exit code, as the engine says it; null when the time was up. */
export const runToEnd = async (
  container: Container,
  { timeoutMs, onOutput, signal }: { timeoutMs: number; onOutput: (bytes: Buffer) => void; signal: AbortSignal },
): Promise<number | null> => {
  const stream = (await askEngine(() => container.attach({ stream: true, stdout: true, stderr: true }))) as Duplex
  const frames = new FrameReader((_kind, bytes) => onOutput(bytes))
  stream.on('data', (chunk: Buffer) => frames.add(chunk))
  const drained = new Promise<void>((resolve) =>
    stream
      .on('close', resolve)
      .on('end', resolve)
      .on('error', () => resolve()),
  )
  let timedOut = false
  // Should the kill fail, the wait below ends by its own bound, and the container is removed by force.
  const kill = () => void container.kill({ signal: 'SIGKILL' }).catch(() => {})
  const timer = setTimeout(() => {
    timedOut = true
    kill()
  }, timeoutMs)
  signal.addEventListener('abort', kill)
  try {
    await askEngine((abortSignal) => container.start({ abortSignal }))
    const { StatusCode } = (await askEngine((abortSignal) => container.wait({ abortSignal }), timeoutMs + reportMs)) as {
      StatusCode: number
    }
    await Promise.race([drained, sleep(drainMs, undefined, { ref: false })])
    return timedOut ? null : StatusCode
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', kill)
    stream.destroy()
  }
}
