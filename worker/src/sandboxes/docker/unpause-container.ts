import type { Container } from 'dockerode'
import { askEngine } from './engine.ts'

/** Thaws it, and says whether this very call did: the engine lets one of several at once do so. */
export const unpauseContainer = async (container: Container): Promise<boolean> => {
  try {
    await askEngine((abortSignal) => container.unpause({ abortSignal }))
    return true
  } catch (error) {
    // Its status differs between the engine's versions.
    if (/is not paused/i.test(String(error))) return false
    throw error
  }
}
