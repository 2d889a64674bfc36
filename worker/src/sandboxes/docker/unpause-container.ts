import type { Container } from 'dockerode'
import { askEngine } from './engine.ts'

/** Thaws it, and says whether this very call did: the engine lets one of several at once do so. */
export const unpauseContainer = async (container: Container): Promise<boolean> => {
  try {
    await askEngine((abortSignal) => container.unpause({ abortSignal }))
    return true
  } catch (error) {
    // By the engine, whose status differs between its versions, or by what is below it, which knows better.
    if (/not paused/i.test(String(error))) return false
    throw error
  }
}
