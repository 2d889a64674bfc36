/**
 * Sandboxes in Docker containers: hardened, without network, each one session's alone.
 * Owns every word to the engine. Never runs anything on the host when the engine is gone, and mounts nothing of it.
 */
import Docker from 'dockerode'
import { SandboxImageError, SandboxLostError, SandboxUnavailableError } from '../sandbox.ts'

/** The engine's usual answers take milliseconds, a start on a busy machine seconds; silence beyond this is an engine that is gone. */
export const engineAnswerMs = 15_000

/** `dockerHost` as in DOCKER_HOST; without it dockerode reads the environment. */
export const createDocker = (dockerHost?: string): Docker => {
  if (!dockerHost) return new Docker()
  if (dockerHost.startsWith('unix://')) return new Docker({ socketPath: dockerHost.slice('unix://'.length) })
  const { hostname, port, protocol } = new URL(dockerHost)
  return new Docker({ host: hostname, port: Number(port) || 2375, protocol: protocol === 'https:' ? 'https' : 'http' })
}

export const statusOf = (error: unknown): number | null => {
  const status = (error as { statusCode?: unknown }).statusCode
  return typeof status === 'number' ? status : null
}

/** Asks the engine, for a bounded time. What it answers with a status is the caller's to judge; no answer is SandboxUnavailableError. */
export const askEngine = async <T>(ask: (abortSignal: AbortSignal) => Promise<T>, timeoutMs = engineAnswerMs): Promise<T> => {
  const controller = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`no answer within ${timeoutMs} ms`))
    controller.abort()
  }, timeoutMs)
  try {
    return await Promise.race([ask(controller.signal), late])
  } catch (error) {
    if (statusOf(error) !== null) throw error
    throw new SandboxUnavailableError(`The Docker engine can't be reached: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  } finally {
    // Not aborted once it has answered: what it answered with may be a stream.
    clearTimeout(timer)
  }
}

/** What an engine's refusal means for a sandbox that should be there. */
export const toSandboxError = (error: unknown, sandboxId: string): Error => {
  const status = statusOf(error)
  if (status === null) return error as Error
  const message = error instanceof Error ? error.message : String(error)
  // With its colon: without, it is what the client calls every 404, of a file that is not there too.
  if (status === 404 && /no such container: /i.test(message)) return new SandboxLostError(`Sandbox ${sandboxId} is gone.`, { cause: error })
  if (status === 409 && /removal|dead/i.test(message))
    return new SandboxLostError(`Sandbox ${sandboxId} is being removed.`, { cause: error })
  // The engine's wording for an image without a shell, or of another architecture.
  if (/executable file not found|exec format error|no such file or directory: unknown/i.test(message)) {
    return new SandboxImageError(`The sandbox's image can't be started: ${message.slice(0, 300)}`, { cause: error })
  }
  return new SandboxUnavailableError(`The Docker engine could not serve sandbox ${sandboxId}: ${message.slice(0, 300)}`, { cause: error })
}
