/** The sample that `percent` of all are not above (nearest rank). Throws when there is none: a figure of nothing is a mistake. */
export const percentile = (samples: readonly number[], percent: number): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  const value = sorted[rank - 1]
  if (value === undefined) throw new Error('no sample was taken')
  return value
}

export const median = (samples: readonly number[]): number => percentile(samples, 50)
