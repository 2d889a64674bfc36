const FIRST_MS = 250
const MAX_MS = 2_000

/** Whether somebody who looks at every beat should leave this one out: his last looks have failed. */
export type Rest = { isOver(): boolean; failed(): void; worked(): void }

/**
 * Every look at a database that is away, or has no room, is an attempt to connect: whoever looks at a beat rests after each failure, twice as
 * long each time. By `now`, in milliseconds; half of a rest is by chance, so that those who lost the same database do not come back in step.
 */
export const createRest = ({ now = () => performance.now(), random = Math.random } = {}): Rest => {
  let failures = 0
  let until = 0
  return {
    isOver: () => now() >= until,
    failed: () => {
      const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(failures++, 10))
      until = now() + ceiling / 2 + (ceiling / 2) * random()
    },
    worked: () => {
      failures = 0
      until = 0
    },
  }
}
