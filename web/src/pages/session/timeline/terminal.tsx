import './terminal.css'
import { useMemo, useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { formatWhole } from '../../../components/format.ts'
import { parseAnsi } from './parse-ansi.ts'

/** More is drawn on demand: one line of a quarter of a megabyte would hold up the page. */
const SHOWN = 12_000

/** A tool's output as a terminal would colour it. */
export const Terminal = ({ output }: { output: string }) => {
  const [all, setAll] = useState(false)
  const cut = !all && output.length > SHOWN
  const spans = useMemo(() => {
    const parsed = parseAnsi(cut ? `${output.slice(0, SHOWN / 2)}\n⋯\n${output.slice(-SHOWN / 2)}` : output)
    let at = 0
    return parsed.map((span) => {
      const key = at
      at += span.text.length
      return { ...span, key }
    })
  }, [output, cut])
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre className="terminal" tabIndex={0}>
        {spans.map(({ key, text, classes }) => (
          <span key={key} className={classes || undefined}>
            {text}
          </span>
        ))}
      </pre>
      {cut && (
        <Button size="small" kind="quiet" onClick={() => setAll(true)}>
          Show the {formatWhole(output.length - SHOWN)} characters in between
        </Button>
      )}
    </>
  )
}
