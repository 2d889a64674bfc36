import type { Duplex } from 'node:stream'
import type { Container } from 'dockerode'
import { LineReader } from '../runner/line-reader.ts'
import type { RunnerChannel, RunnerListener } from '../runner/runner-host.ts'
import { askEngine } from './engine.ts'
import { FrameReader } from './frame-reader.ts'

/** Joins a container's stdin and stdout. Several clients may: each hears everything, and the runner tells them apart by epoch. */
export const attachChannel = async (container: Container, listener: RunnerListener): Promise<RunnerChannel> => {
  const options = { stream: true, hijack: true, stdin: true, stdout: true, stderr: false }
  const stream = (await askEngine((abortSignal) => container.attach({ ...options, abortSignal }))) as Duplex
  const lines = new LineReader(listener.onLine)
  const frames = new FrameReader((kind, bytes) => {
    if (kind === 'stdout') lines.add(bytes)
  })
  let ended = false
  const end = () => {
    if (ended) return
    ended = true
    stream.destroy()
    listener.onEnd()
  }
  stream.on('data', (chunk: Buffer) => frames.add(chunk))
  stream.on('end', end).on('close', end).on('error', end)
  return {
    send: (line) => {
      if (stream.writable) stream.write(`${line}\n`)
    },
    close: () => {
      ended = true
      stream.destroy()
    },
  }
}
