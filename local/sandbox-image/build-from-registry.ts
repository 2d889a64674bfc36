import type { Readable } from 'node:stream'
import type Docker from 'dockerode'

export type BuildOptions = { docker: Docker; name: string; onProgress: (line: string) => void }

const baseImage = 'node:24-bookworm-slim'
/** No word from the registry for so long means that there is none: the other way to build starts then. */
const silenceMs = 20_000

/** Null when built; else a sentence that says why not. */
export const buildFromRegistry = async ({ docker, name, onProgress }: BuildOptions): Promise<string | null> => {
  onProgress(`sandbox image: asking the registry for ${baseImage}`)
  try {
    await follow(await docker.pull(baseImage, { abortSignal: AbortSignal.timeout(silenceMs) }), onProgress)
  } catch (error) {
    return `No registry gave ${baseImage} (${reasonOf(error)}).`
  }
  try {
    const context = { context: import.meta.dirname, src: ['Dockerfile', 'packages.txt', 'set-up.sh'] }
    await follow(await docker.buildImage(context, { t: name, buildargs: proxySettings(), forcerm: true }), onProgress)
    return null
  } catch (error) {
    return `Building on ${baseImage} failed (${reasonOf(error)}).`
  }
}

type EngineMessage = { status?: string; id?: string; stream?: string; error?: string }

/** Reads the engine's messages, one JSON object a line, until it is done; an `error` among them is the build's failure. */
const follow = async (messages: NodeJS.ReadableStream, onProgress: (line: string) => void): Promise<void> => {
  let rest = ''
  let silence = setTimeout(() => {}, 0)
  const stream = messages as Readable
  const watch = () => {
    clearTimeout(silence)
    silence = setTimeout(() => stream.destroy(new Error(`nothing heard for ${silenceMs / 1000} s`)), silenceMs * 6)
  }
  try {
    for await (const chunk of stream) {
      watch()
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) tell(line, onProgress)
    }
    tell(rest, onProgress)
  } finally {
    clearTimeout(silence)
  }
}

const tell = (line: string, onProgress: (line: string) => void): void => {
  if (line.trim() === '') return
  const message = JSON.parse(line) as EngineMessage
  if (message.error) throw new Error(message.error)
  const text = (message.stream ?? (message.id ? '' : message.status) ?? '').trim()
  if (text) onProgress(`sandbox image: ${text.slice(0, 120)}`)
}

const proxySettings = (): Record<string, string> => {
  const names = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']
  return Object.fromEntries(names.flatMap((key) => (process.env[key] ? [[key, process.env[key]]] : [])))
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ').slice(0, 200)
