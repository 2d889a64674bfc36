import type { SessionUpdate } from './session-update.ts'

export type FrameOf<Frame> = (update: SessionUpdate, key: string, make: () => Frame) => Frame

/**
 * Makes what a transport sends for an update once per `key` (document and variables), however many subscribers share the update; it
 * goes when the update goes. A frame made asynchronously is cached as its promise.
 */
export const createFrameCache = <Frame>(): FrameOf<Frame> => {
  const framesOf = new WeakMap<SessionUpdate, Map<string, Frame>>()
  return (update, key, make) => {
    let frames = framesOf.get(update)
    if (frames === undefined) {
      frames = new Map()
      framesOf.set(update, frames)
    }
    let frame = frames.get(key)
    if (frame === undefined) {
      frame = make()
      frames.set(key, frame)
    }
    return frame
  }
}
