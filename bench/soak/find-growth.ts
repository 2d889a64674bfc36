import { percentile } from '../percentile.ts'
import type { Sample } from './take-sample.ts'

export type Growth = { what: string; early: number; late: number; grew: boolean }

/** What may be more at the end than at the beginning without having grown: noise, of the figure and at least in pieces or MB. */
const NOISE_SHARE = 0.1
const NOISE_LEAST = 5
/** The first part of a run is for caches and compilers to fill up. */
const WARM_UP_SHARE = 0.25

/** The median of the first third after the warm-up beside the median of the last third. Needs at least 4 samples. */
export const findGrowth = (samples: readonly Sample[]): Growth[] => {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE))
  const third = Math.ceil(warm.length / 3)
  if (samples.length < 4) throw new Error(`${samples.length} samples say nothing about growth: soak for longer`)
  return Object.keys(warm[0]!).map((what) => {
    const early = median(warm.slice(0, third), what)
    const late = median(warm.slice(-third), what)
    return { what, early, late, grew: late - early > Math.max(early * NOISE_SHARE, NOISE_LEAST) }
  })
}

const median = (samples: readonly Sample[], what: string): number =>
  percentile(
    samples.map((sample) => sample[what]!),
    50,
  )
