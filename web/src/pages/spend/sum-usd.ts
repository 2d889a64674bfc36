/** Exact: whole micro-dollars, as many places as the API gives. Each summand was rounded up, so a sum never looks smaller than it is. */
export const sumUsd = (amounts: readonly string[]): string => {
  const micros = amounts.reduce((sum, amount) => sum + toMicros(amount), 0n)
  return `${micros / 1_000_000n}.${(micros % 1_000_000n).toString().padStart(6, '0')}`
}

const toMicros = (amount: string): bigint => {
  const [whole = '0', part = ''] = amount.split('.')
  return BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, '0'))
}
