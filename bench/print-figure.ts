import { type Figure, isReached, ratioOf, type Target } from './figure.ts'

/** One line: what, measured, yardstick, ratio, target, reached. */
export const printFigure = (figure: Figure): string => {
  const { what, measured, unit, yardstick, target } = figure
  const ratio = ratioOf(figure)
  return [
    what.padEnd(64),
    withUnit(measured, unit).padStart(12),
    (yardstick === undefined ? '' : `${withUnit(yardstick.value, unit)} ${yardstick.what}`).padEnd(52),
    (ratio === null ? '' : `${ratio.toFixed(2)}×`).padStart(8),
    (target === undefined ? '' : printTarget(target, unit)).padEnd(18),
    printReached(isReached(figure)),
  ].join('  ')
}

/** The figure as data, with what the line works out. */
export const toJson = (bench: string, figure: Figure): Record<string, unknown> => ({
  bench,
  ...figure,
  ratio: ratioOf(figure),
  reached: isReached(figure),
})

const printTarget = (target: Target, unit: string): string => {
  const bound = 'atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`
  if (target.of === 'ratio') return `${bound}×`
  return target.of === 'difference' ? `${bound} ${unit} more` : `${bound} ${unit}`
}

const printReached = (reached: boolean | null): string => (reached === null ? '' : reached ? 'yes' : 'NO')

const withUnit = (value: number, unit: string): string => `${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${unit}`
