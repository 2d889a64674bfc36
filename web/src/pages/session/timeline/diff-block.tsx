import './diff-block.css'
import { diffLines } from 'diff'
import { useMemo } from 'react'

type Line = { key: number; sign: ' ' | '+' | '-'; text: string }

const SIGN_WORDS = { ' ': '', '+': 'added: ', '-': 'removed: ' }

/** What an edit changes, line by line. */
export const DiffBlock = ({ before, after }: { before: string; after: string }) => {
  const lines = useMemo(() => toLines(before, after), [before, after])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <pre className="diff-block" tabIndex={0}>
      {lines.map(({ key, sign, text }) => (
        <span key={key} data-sign={sign}>
          <span className="only-heard">{SIGN_WORDS[sign]}</span>
          <span aria-hidden="true">{sign} </span>
          {text}
          {'\n'}
        </span>
      ))}
    </pre>
  )
}

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
