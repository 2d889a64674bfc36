import { toFields, toList } from '../log/read-payload.ts'
import { Terminal } from '../timeline/terminal.tsx'

/** Why a verdict came out as it did: the words, and what the check saw. */
export const Evidence = ({ explanation, evidence }: { explanation: string; evidence: unknown }) => {
  const { seen, ...facts } = toFields(evidence)
  const told = Object.entries(facts).filter(([, value]) => !isNothing(value) && !isIn(value, explanation))
  return (
    <div className="stack">
      <Terminal output={explanation} />
      {toList(seen).length > 0 && (
        <ul className="evidence-seen small">
          {toList(seen).map((line) => (
            <li key={String(line)}>{String(line)}</li>
          ))}
        </ul>
      )}
      {told.length > 0 && (
        <dl className="facts">
          {told.map(([name, value]) => (
            <div key={name} className="facts-pair">
              <dt>{toLabel(name)}</dt>
              <dd className="mono">{typeof value === 'object' ? JSON.stringify(value) : String(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}

const isNothing = (value: unknown): boolean => value === null || value === '' || (Array.isArray(value) && value.length === 0)

const isIn = (value: unknown, text: string): boolean => typeof value === 'string' && value.length > 40 && text.includes(value.trim())

/** `durationMs` → `duration ms`. */
const toLabel = (name: string): string => name.replaceAll(/([A-Z]+)/g, ' $1').toLowerCase()
