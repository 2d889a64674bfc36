/** Money at the border: decimal dollars with up to six places outside, whole nano-dollars inside. */
const NANOS_PER_MICRO = 1_000n
const MICROS_PER_USD = 1_000_000n

/** What was spent is rounded up, what remains is rounded down: neither ever looks better than it is. */
export const toUsd = (nanos: bigint, round: 'up' | 'down'): string => {
  const negative = nanos < 0n
  const size = negative ? -nanos : nanos
  const away = (round === 'up') !== negative
  const micros = size / NANOS_PER_MICRO + (away && size % NANOS_PER_MICRO !== 0n ? 1n : 0n)
  const fraction = (micros % MICROS_PER_USD).toString().padStart(6, '0').replace(/0+$/, '').padEnd(2, '0')
  return `${negative && micros > 0n ? '-' : ''}${micros / MICROS_PER_USD}.${fraction}`
}

/** Null for anything but a plain decimal: no sign, no exponent, no more than six places. */
export const fromUsd = (text: string): bigint | null => {
  const [, whole, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text) ?? []
  if (whole === undefined) return null
  return (BigInt(whole) * MICROS_PER_USD + BigInt(fraction.padEnd(6, '0'))) * NANOS_PER_MICRO
}
