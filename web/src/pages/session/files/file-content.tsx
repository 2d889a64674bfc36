import { useQuery } from 'urql'
import { Button } from '../../../components/button.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { formatBytes } from '../../../components/format.ts'
import { SessionFileDocument } from '../../../generated/graphql.ts'
import { CodeBlock, languageOf } from '../timeline/code-block.tsx'

/** The beginning of one file, as text; all of it is downloaded. */
export const FileContent = ({ sessionId, path, onDownload }: { sessionId: string; path: string; onDownload: () => void }) => {
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
      <div className="row">
        <p className="small quiet files-path">
          <span className="mono">{file.path}</span> · {formatBytes(file.sizeBytes)}
          {file.truncated && ' · only its beginning is shown'}
        </p>
        <span className="push">
          <Button size="small" onClick={onDownload}>
            ↓ Download
          </Button>
        </span>
      </div>
      {file.text === null ? <p className="quiet">This file is no text.</p> : <CodeBlock language={languageOf(path)} code={file.text} />}
    </div>
  )
}
