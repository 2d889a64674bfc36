import './version-list.css'
import { type ReactNode, useState } from 'react'
import type { Pages } from '../api/use-pages.ts'
import { Button } from './button.tsx'
import { ErrorNote } from './error-note.tsx'
import { OlderButton } from './older-button.tsx'
import { TimeAgo } from './time-ago.tsx'

type Version = { id: string; version: number; createdAt: string }

type Props<V extends Version> = {
  pages: Pages<V>
  /** In which parts a version differs from the one before it. */
  differencesOf: (version: V, before: V) => string[]
  show: (version: V) => ReactNode
  /** Fills the form with what a version was; not offered where nobody may change anything. */
  onTake?: ((version: V) => void) | undefined
}

/** All that a thing has been, newest first: each version with what it changed, and opened with what it was. */
export const VersionList = <V extends Version>({ pages, differencesOf, show, onTake }: Props<V>) => (
  <section className="card stack" aria-labelledby="versions-title">
    <h2 id="versions-title">Versions</h2>
    {pages.problem && <ErrorNote error={pages.problem} onRetry={pages.reload} />}
    {pages.nodes === null && !pages.problem && <p className="quiet">Reading the versions …</p>}
    <ol className="version-list">
      {pages.nodes?.map((version, index) => {
        const before = pages.nodes?.[index + 1]
        return (
          <VersionItem
            key={version.id}
            version={version}
            words={toWords(version, before && differencesOf(version, before))}
            show={show}
            onTake={index > 0 ? onTake : undefined}
          />
        )
      })}
    </ol>
    <OlderButton pages={pages}>Show older versions</OlderButton>
  </section>
)

type ItemProps<V extends Version> = Pick<Props<V>, 'show' | 'onTake'> & { version: V; words: string }

/** What it was is drawn, and asked for, once it is looked at. */
const VersionItem = <V extends Version>({ version, words, show, onTake }: ItemProps<V>) => {
  const [seen, setSeen] = useState(false)
  return (
    <li>
      <details onToggle={(event) => event.currentTarget.open && setSeen(true)}>
        <summary>
          <strong>Version {version.version}</strong>
          <span className="quiet small">{words}</span>
          <span className="push quiet small">
            <TimeAgo iso={version.createdAt} /> ago
          </span>
        </summary>
        {seen && (
          <div className="stack version-list-open">
            {show(version)}
            {onTake && (
              <div>
                <Button size="small" onClick={() => onTake(version)}>
                  Start a change from version {version.version}
                </Button>
              </div>
            )}
          </div>
        )}
      </details>
    </li>
  )
}

const toWords = ({ version }: Version, differences: string[] | undefined): string => {
  if (version === 1) return 'the first'
  // The one before it is on a page that was not read yet.
  if (differences === undefined) return ''
  return differences.length === 0 ? 'another name' : `other ${differences.join(', ')}`
}
