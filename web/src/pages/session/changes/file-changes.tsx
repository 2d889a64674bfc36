import './changes.css'
import { useState } from 'react'
import type { Pages } from '../../../api/use-pages.ts'
import { ErrorNote } from '../../../components/error-note.tsx'
import { formatWhole } from '../../../components/format.ts'
import { OlderButton } from '../../../components/older-button.tsx'
import type { FileChange, FileChangeLineFragment } from '../../../generated/graphql.ts'
import { PatchBlock } from '../timeline/diff-block.tsx'

const TONES: Record<FileChange, string> = { ADDED: 'good', MODIFIED: 'quiet', DELETED: 'bad' }

/** Files that differ, by path; each opened with what differs in it. What an agent wrote is its own word. */
export const FileChanges = ({ pages, label, none }: { pages: Pages<FileChangeLineFragment>; label: string; none: string }) => (
  <div className="stack" aria-busy={pages.loading}>
    {pages.problem && <ErrorNote error={pages.problem} onRetry={pages.reload} />}
    <p className="quiet small" role="status">
      {pages.nodes === null && !pages.problem && 'Reading the files of both …'}
      {pages.nodes && toWords(pages.nodes.length, pages.hasMore, none)}
    </p>
    {pages.nodes && pages.nodes.length > 0 && (
      <ul className="changes" aria-label={label}>
        {pages.nodes.map((file) => (
          <ChangedFile key={file.path} {...file} />
        ))}
      </ul>
    )}
    <OlderButton pages={pages}>Show more files</OlderButton>
  </div>
)

const toWords = (count: number, hasMore: boolean, none: string): string => {
  if (count === 0) return none
  if (hasMore) return `The first ${formatWhole(count)} files that differ:`
  return count === 1 ? 'One file differs:' : `${formatWhole(count)} files differ:`
}

/** A patch is drawn once it is asked for: a page of them may be long. */
const ChangedFile = ({ path, change, patch }: FileChangeLineFragment) => {
  const [open, setOpen] = useState(false)
  return (
    <li>
      <button type="button" className="changes-file" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span aria-hidden="true">{open ? '▾' : '▸'}</span>
        <span className="mono">{path}</span>
        <span className={`small push ${TONES[change] ?? ''}`}>{change.toLowerCase()}</span>
      </button>
      {open &&
        (patch ? (
          <PatchBlock patch={patch} />
        ) : (
          <p className="quiet small changes-none">No text to compare: it is binary, large, or no file.</p>
        ))}
    </li>
  )
}
