import { type Report, RULES } from './report.ts'

/** For a person: each rule on a line of its own, and under it what is wrong and what could not be asked. */
export const renderReport = ({ violations, unchecked }: Report): string => {
  const lines = RULES.flatMap((rule) => {
    const wrong = violations.filter((violation) => violation.rule === rule)
    const open = unchecked.filter((item) => item.rule === rule)
    const state =
      wrong.length > 0
        ? `${wrong.length} violation${wrong.length === 1 ? '' : 's'}`
        : open.some(({ whole }) => whole)
          ? 'not checked'
          : open.length > 0
            ? 'holds, as far as checked'
            : 'holds'
    return [
      `${rule.padEnd(4)} ${state}`,
      ...wrong.map(({ at, what }) => `       ✗ ${at}: ${what}`),
      ...open.map(({ why }) => `       – ${why}`),
    ]
  })
  return `${lines.join('\n')}\n${violations.length === 0 ? 'clean' : `${violations.length} violations`}\n`
}
