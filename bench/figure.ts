// bench/ measures the platform on real parts, each figure beside what it is compared with in the same run. It owns figures and load,
// never behaviour: nothing here is imported by the product, and no test asserts a number.

/** What must be reached: a bound on the figure itself, on measured ÷ yardstick, or on measured − yardstick. */
export type Target = { of: 'measured' | 'ratio' | 'difference' } & ({ atMost: number } | { atLeast: number })

export type Figure = {
  what: string
  measured: number
  unit: 'ms' | '/s' | 'KB' | 'MB' | 's' | 'of all' | 'in all'
  /** What does the same with as little as possible, measured in the same run. */
  yardstick?: { what: string; value: number }
  /** None: the figure only explains another. */
  target?: Target
}

export type BenchContext = {
  /** Tiny sizes: shows that the benchmark works, its figures say nothing. */
  smoke: boolean
  /** The platform's sandbox image. */
  image: string
}

export type Bench = (context: BenchContext) => Promise<Figure[]>

export const ratioOf = ({ measured, yardstick }: Figure): number | null => (yardstick === undefined ? null : measured / yardstick.value)

/** null where nothing had to be reached. */
export const isReached = (figure: Figure): boolean | null => {
  const { target } = figure
  if (target === undefined) return null
  const value = comparedValue(figure, target)
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast
}

const comparedValue = (figure: Figure, target: Target): number => {
  if (target.of === 'measured') return figure.measured
  if (figure.yardstick === undefined) throw new Error(`${figure.what}: a ${target.of} needs a yardstick`)
  return target.of === 'ratio' ? figure.measured / figure.yardstick.value : figure.measured - figure.yardstick.value
}
