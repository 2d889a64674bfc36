import './files.css'
import { useState } from 'react'
import { useQuery } from 'urql'
import { Button } from '../../../components/button.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { formatBytes } from '../../../components/format.ts'
import { type FileKind, SessionFileDocument, SessionFilesDocument } from '../../../generated/graphql.ts'
import { CodeBlock, languageOf } from '../timeline/code-block.tsx'

const ROOT = '/workspace'

/** The workspace as it is now: folders on the left, a file on the right. It is the agent's own word. */
export const FilesView = ({ sessionId, head }: { sessionId: string; head: number }) => {
  const [chosen, setChosen] = useState<string | null>(null)
  const [readAt, setReadAt] = useState(head)
  return (
    <div className="files">
      <nav className="files-tree" aria-label="Files of the workspace">
        <div className="row">
          <strong className="mono small">{ROOT}</strong>
          <Button size="small" kind="quiet" onClick={() => setReadAt(head)} title="Read the workspace again">
            {head > readAt ? 'Changed since? Read again' : 'Read again'}
          </Button>
        </div>
        <Folder key={readAt} sessionId={sessionId} path={ROOT} chosen={chosen} onChoose={setChosen} />
      </nav>
      <div className="files-content">
        {chosen ? <FileContent key={`${chosen} ${readAt}`} sessionId={sessionId} path={chosen} /> : <p className="quiet">Choose a file.</p>}
      </div>
    </div>
  )
}

type Choosing = { sessionId: string; chosen: string | null; onChoose: (path: string) => void }

const Folder = ({ path, after = null, ...choosing }: Choosing & { path: string; after?: string | null }) => {
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
  if (entry.kind === 'DIRECTORY')
    return (
      <li>
        <button type="button" className="files-entry" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span aria-hidden="true">{open ? '▾' : '▸'}</span> {name}/
        </button>
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

const FileContent = ({ sessionId, path }: { sessionId: string; path: string }) => {
  const [{ data, error, fetching }, again] = useQuery({
    query: SessionFileDocument,
    variables: { id: sessionId, path },
    requestPolicy: 'network-only',
  })
  if (error) return <ErrorNote error={error} onRetry={() => again({ requestPolicy: 'network-only' })} />
  if (fetching) return <p className="quiet">Reading {path} …</p>
  const file = data?.session?.file
  if (!file) return <p className="quiet">There is no {path} any more.</p>
  return (
    <div className="stack">
      <p className="small quiet">
        <span className="mono">{file.path}</span> · {formatBytes(file.sizeBytes)}
        {file.truncated && ' · only its beginning is shown'}
      </p>
      {file.text === null ? <p className="quiet">This file is no text.</p> : <CodeBlock language={languageOf(path)} code={file.text} />}
    </div>
  )
}
