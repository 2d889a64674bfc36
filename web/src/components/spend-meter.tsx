import { formatUsd, toNumber } from './format.ts'

/** Spent and held against a cap; without a cap only the words. */
export const SpendMeter = ({ spentUsd, reservedUsd, limitUsd }: { spentUsd: string; reservedUsd: string; limitUsd: string | null }) => {
  const [spent, held, limit] = [toNumber(spentUsd), toNumber(reservedUsd), limitUsd === null ? null : toNumber(limitUsd)]
  if (limit === null || limitUsd === null) return <span className="number">{formatUsd(spentUsd)}</span>
  const share = (part: number): number => (limit === 0 ? 100 : Math.min(100, (part / limit) * 100))
  const spentShare = share(spent)
  const words = `${formatUsd(spentUsd)} spent of ${formatUsd(limitUsd)}${held > 0 ? `, ${formatUsd(reservedUsd)} held` : ''}`
  return (
    <span className="meter" data-tone={spentShare >= 100 ? 'bad' : spentShare >= 80 ? 'warn' : undefined} title={words}>
      <span className="meter-words">
        <span>{formatUsd(spentUsd)}</span>
        <span className="quiet">of {formatUsd(limitUsd)}</span>
      </span>
      <svg viewBox="0 0 100 5" preserveAspectRatio="none" role="img" aria-label={words}>
        <rect className="meter-spent" width={spentShare} height="5" />
        <rect className="meter-held" x={spentShare} width={Math.max(0, share(spent + held) - spentShare)} height="5" />
      </svg>
    </span>
  )
}
