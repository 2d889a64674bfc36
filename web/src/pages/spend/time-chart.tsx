import { useState } from 'react'
import { formatUsd, toNumber } from '../../components/format.ts'
import { type Bar, toAxisEnd } from './range.ts'

/** Bars side by side, one an hour or a day; the figures are read by pointing, and as a table by everybody else. */
export const TimeChart = ({ bars, unit }: { bars: Bar[]; unit: string }) => {
  const [pointed, setPointed] = useState<string | null>(null)
  const end = toAxisEnd(Math.max(...bars.map(({ costUsd }) => toNumber(costUsd))))
  const shown = bars.find(({ key }) => key === pointed)
  const first = bars[0]
  const middle = bars[Math.floor(bars.length / 2)]
  const last = bars.at(-1)
  return (
    <div className="stack">
      <div className="chart">
        <div className="chart-axis number small quiet" aria-hidden="true">
          <span>{formatUsd(toPlaces(end))}</span>
          <span>{formatUsd(toPlaces(end / 2))}</span>
          <span>$0</span>
        </div>
        <svg viewBox={`0 0 ${bars.length} 100`} preserveAspectRatio="none" aria-hidden="true" onPointerLeave={() => setPointed(null)}>
          <path className="chart-lines" d={`M0 0.5H${bars.length}M0 50H${bars.length}M0 99.5H${bars.length}`} />
          {bars.map((bar, index) => {
            const height = (toNumber(bar.costUsd) / end) * 100
            return (
              <g key={bar.key} data-pointed={bar.key === pointed} onPointerEnter={() => setPointed(bar.key)}>
                <rect className="chart-ground" x={index} width="1" height="100" />
                <rect className="chart-bar" x={index + 0.14} y={100 - height} width="0.72" height={height} />
              </g>
            )
          })}
        </svg>
        <div className="chart-times small quiet" aria-hidden="true">
          <span>{first?.label}</span>
          <span>{middle?.label}</span>
          <span>{last?.label}</span>
        </div>
      </div>
      <p className="small quiet number chart-pointed" aria-hidden="true">
        {shown ? `${shown.label}: ${formatUsd(shown.costUsd)}` : `Point at a bar for its figure. Each is one ${unit}, in UTC.`}
      </p>
      <details className="small">
        <summary>The figures as a table</summary>
        <table className="chart-table">
          <thead>
            <tr>
              <th scope="col">{unit === 'hour' ? 'Hour (UTC)' : 'Day (UTC)'}</th>
              <th scope="col" className="end">
                Spent
              </th>
            </tr>
          </thead>
          <tbody>
            {bars
              .filter(({ costUsd }) => toNumber(costUsd) > 0)
              .map((bar) => (
                <tr key={bar.key}>
                  <th scope="row">{bar.label}</th>
                  <td className="end number">{formatUsd(bar.costUsd)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </details>
    </div>
  )
}

/** A round figure of the axis, as the API writes money. */
const toPlaces = (value: number): string => value.toFixed(6)
