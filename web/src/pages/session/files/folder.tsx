import { useState } from 'react'
import { useQuery } from 'urql'
import { Button } from '../../../components/button.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { formatBytes } from '../../../components/format.ts'
import { type FileKind, SessionFilesDocument } from '../../../generated/graphql.ts'
import type { Transfers } from './transfers.ts'
import { UploadButton } from './upload-button.tsx'
import { useDrop } from './use-drop.ts'

export type Send = (files: File[], folder: string) => void
type Choosing = {
  sessionId: string
  chosen: string | null
  onChoose: (path: string) => void
  transfers: Transfers
  /** null: this key may only read. */
  onSend: Send | null
}

/** A folder's entries; each folder among them opens in its place. */
export const Folder = ({ path, after = null, ...choosing }: Choosing & { path: string; after?: string | null }) => {
  const [{ data, error, fetching }, again] = useQuery({
    query: SessionFilesDocument,
    variables: { id: choosing.sessionId, path, after },
    requestPolicy: 'network-only',
  })
  const [more, setMore] = useState(false)
  if (error) return <ErrorNote error={error} onRetry={() => again({ requestPolicy: 'network-only' })} />
  if (fetching || !data?.session) return <p className="quiet small">Reading …</p>
  const { edges, pageInfo } = data.session.files
  if (edges.length === 0 && after === null) return <p className="quiet small">empty</p>
  return (
    <>
      <ul className="files-list">
        {edges.map(({ node }) => (
          <Entry key={node.path} entry={node} {...choosing} />
        ))}
      </ul>
      {pageInfo.hasNextPage && !more && (
        <Button size="small" kind="quiet" onClick={() => setMore(true)}>
          More …
        </Button>
      )}
      {more && <Folder path={path} after={pageInfo.endCursor ?? null} {...choosing} />}
    </>
  )
}

const Entry = ({ entry, ...choosing }: Choosing & { entry: { path: string; kind: FileKind; sizeBytes: number } }) => {
  const [open, setOpen] = useState(false)
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
  const { transfers, onSend } = choosing
  const drop = useDrop(onSend && entry.kind === 'DIRECTORY' ? (files) => onSend(files, entry.path) : null)
  if (entry.kind === 'DIRECTORY')
    return (
      <li>
        <div className="files-row" {...drop}>
          <button type="button" className="files-entry" aria-expanded={open} onClick={() => setOpen(!open)}>
            <span aria-hidden="true">{open ? '▾' : '▸'}</span> {name}/
          </button>
          {onSend && (
            <UploadButton label={`Upload files into ${name}`} onFiles={(files) => onSend(files, entry.path)}>
              ↑
            </UploadButton>
          )}
          <Button
            size="small"
            kind="quiet"
            aria-label={`Download the folder ${name}`}
            title={`Download ${name}.tar.gz`}
            onClick={() => transfers.fetch(entry.path, 'folder')}
          >
            ↓
          </Button>
        </div>
        {open && <Folder path={entry.path} {...choosing} />}
      </li>
    )
  return (
    <li>
      <button
        type="button"
        className="files-entry"
        aria-current={choosing.chosen === entry.path}
        disabled={entry.kind !== 'FILE'}
        onClick={() => choosing.onChoose(entry.path)}
      >
        {name}
        <span className="quiet small number push">{entry.kind === 'FILE' ? formatBytes(entry.sizeBytes) : entry.kind.toLowerCase()}</span>
      </button>
    </li>
  )
}
