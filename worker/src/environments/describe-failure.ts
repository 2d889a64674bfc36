import type { AskedBuild } from '@longhaul/core/src/environments/ask-build.ts'

const SHOWN_LINES = 20
const SHOWN_LENGTH = 1_500

/** What a session's people read of a set-up that failed: why, at which line, and the end of what it printed. Pure. */
export const describeFailure = ({ id, problem, log }: Pick<AskedBuild, 'id' | 'problem' | 'log'>): string => {
  const lines = log
    .trimEnd()
    .split('\n')
    .filter((line) => !/^\[set-up: line \d+ exited with \d+\]$/.test(line))
  const shown = lines.slice(-SHOWN_LINES).join('\n').slice(-SHOWN_LENGTH).toWellFormed()
  const why = `The environment could not be set up (${id}). ${problem ?? 'Nobody knows why.'}`
  return shown.trim() === '' ? why : `${why} The end of its output:\n${shown}`
}
