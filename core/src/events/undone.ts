/**
 * What a rewind does to a log that nothing is erased from: stretches of it are skipped from then on. They may be gone back to: then the
 * later stretch is skipped, and they are not. Pure.
 */
import type { LogEvent } from './event.ts'

/** Stretches as [first, last] seq, oldest first, none touching another. */
export type Undone = readonly (readonly [number, number])[]

export const isUndone = (undone: Undone, seq: number): boolean => undone.some(([first, last]) => seq >= first && seq <= last)

/** `before`: what was skipped where one goes back to; all from `first` to `last` is skipped beside it. */
export const addUndone = (before: Undone, { first, last }: { first: number; last: number }): [number, number][] => {
  const stretches = before.map(([from, to]): [number, number] => [from, to])
  const newest = stretches.at(-1)
  // One rewind to where another had led: the same stretch, and a longer one.
  if (newest !== undefined && newest[1] + 1 === first) newest[1] = last
  else stretches.push([first, last])
  return stretches
}

/** A thread's events without those that its newest rewind says to skip, as the database reads its context. */
export const skipUndone = (events: readonly LogEvent[]): readonly LogEvent[] => {
  const rewound = events.findLast((event) => event.type === 'session.rewound' && event.payload.thread !== null)
  if (rewound?.type !== 'session.rewound' || rewound.payload.thread === null) return events
  const { undone } = rewound.payload.thread
  return events.filter(({ seq }) => !isUndone(undone, seq))
}
