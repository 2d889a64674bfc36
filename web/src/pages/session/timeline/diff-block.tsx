import './diff-block.css'
import { diffLines } from 'diff'
import { useMemo } from 'react'

/** `@`: where in a file a stretch of a patch stands. */
type Line = { key: number; sign: ' ' | '+' | '-' | '@'; text: string }

const SIGN_WORDS = { ' ': '', '+': 'added: ', '-': 'removed: ', '@': '' }

/** What an edit changes, line by line. */
export const DiffBlock = ({ before, after }: { before: string; after: string }) => {
  const lines = useMemo(() => toLines(before, after), [before, after])
  return <Lines lines={lines} />
}

/** The same of a unified patch. */
export const PatchBlock = ({ patch }: { patch: string }) => {
  const lines = useMemo(() => toLinesOfPatch(patch), [patch])
  return <Lines lines={lines} />
}

const Lines = ({ lines }: { lines: Line[] }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
  <pre className="diff-block" tabIndex={0}>
    {lines.map(({ key, sign, text }) => (
      <span key={key} data-sign={sign}>
        <span className="only-heard">{SIGN_WORDS[sign]}</span>
        {sign !== '@' && <span aria-hidden="true">{sign} </span>}
        {text}
        {'\n'}
      </span>
    ))}
  </pre>
)

/** Two long texts without a line in common would be compared for seconds: then all of one goes, and all of the other comes. */
const MAX_EDITS = 2_000

const toLines = (before: string, after: string): Line[] => {
  const ended = (text: string) => (text === '' || text.endsWith('\n') ? text : `${text}\n`)
  const changes = diffLines(ended(before), ended(after), { maxEditLength: MAX_EDITS }) ?? [
    { value: before, added: false, removed: true },
    { value: after, added: true, removed: false },
  ]
  let key = 0
  return changes.flatMap(({ value, added, removed }) =>
    value
      .replace(/\n$/, '')
      .split('\n')
      .map((text): Line => ({ key: key++, sign: added ? '+' : removed ? '-' : ' ', text })),
  )
}

/** What stands above the first stretch names the file, as its row does. */
const toLinesOfPatch = (patch: string): Line[] => {
  const lines = patch.replace(/\n$/, '').split('\n')
  return lines.slice(Math.max(0, lines.findIndex(isStretch))).map((text, key): Line => {
    const sign = text[0]
    if (isStretch(text)) return { key, sign: '@', text }
    return sign === '+' || sign === '-' ? { key, sign, text: text.slice(1) } : { key, sign: ' ', text: text.replace(/^ /, '') }
  })
}

const isStretch = (line: string): boolean => line.startsWith('@@ ')
