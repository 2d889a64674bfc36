import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { SandboxImageError, SandboxUnavailableError } from '../sandbox.ts'
import { askEngine, statusOf } from './engine.ts'

const pullMs = 10 * 60_000
const firstAnswerMs = 60_000

/** Gets an image that the engine doesn't have. Our own default image is built, never pulled: a stranger could publish its name. */
export const pullImage = async (docker: Docker, image: string, signal: AbortSignal): Promise<void> => {
  if (image.startsWith('longhaul-'))
    throw new SandboxImageError(`The engine has no image ${image}. \`npm start\` builds the default one, on the machine where it runs.`)
  try {
    const messages = (await askEngine((abortSignal) => docker.pull(image, { abortSignal }), firstAnswerMs)) as Readable
    const stop = () => messages.destroy(new Error('stopped'))
    const ends = AbortSignal.any([signal, AbortSignal.timeout(pullMs)])
    ends.addEventListener('abort', stop)
    for await (const chunk of messages) {
      const failure = /"error":"([^"]+)"/.exec(String(chunk))
      if (failure) throw new SandboxImageError(`The engine can't get image ${image}: ${failure[1]}`)
    }
    ends.removeEventListener('abort', stop)
  } catch (error) {
    if (error instanceof SandboxImageError || error instanceof SandboxUnavailableError) throw error
    const status = statusOf(error)
    const reason = error instanceof Error ? error.message : String(error)
    if (status === 404 || status === 400) throw new SandboxImageError(`The engine can't get image ${image}: ${reason}`, { cause: error })
    throw new SandboxUnavailableError(`Image ${image} can't be pulled now: ${reason}`, { cause: error })
  }
}
