import { useState } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { usePages } from '../../../api/use-pages.ts'
import { Button } from '../../../components/button.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { formatWhole } from '../../../components/format.ts'
import { toSessionName } from '../../../components/session-name.ts'
import { TimeAgo } from '../../../components/time-ago.tsx'
import { CommonAncestorDocument, FilesBesideDocument, type FilesBesideQuery } from '../../../generated/graphql.ts'
import { FileChanges } from '../changes/file-changes.tsx'
import { toName } from '../checkpoints/to-name.ts'

type Ids = { a: string; b: string }

const pickFiles = ({ compareSessions }: FilesBesideQuery) => compareSessions.files

/** Where two sessions have parted. */
export const CommonAncestor = ({ a, b }: Ids) => {
  const [{ data, error }] = useQuery({ query: CommonAncestorDocument, variables: { a, b }, requestPolicy: 'cache-and-network' })
  if (error) return <ErrorNote error={error} />
  if (!data) return null
  const { commonAncestor: from, commonSeq } = data.compareSessions
  return (
    <p className="beside-ancestor">
      {commonSeq === 0 && 'These two share no event.'}
      {commonSeq > 0 && `Both have the same first ${formatWhole(commonSeq)} events. `}
      {from && (
        <>
          They parted at {toName(from)} of <Link href={`/sessions/${from.session.id}?view=checkpoints`}>{toSessionName(from.session)}</Link>
          , taken <TimeAgo iso={from.createdAt} /> ago.
        </>
      )}
    </p>
  )
}

/** Both workspaces are read through for it, so it is asked for by hand. */
export const FilesBeside = ({ a, b, names }: Ids & { names: { a: string; b: string } }) => {
  const [asked, setAsked] = useState(false)
  return (
    <section className="card stack" aria-labelledby="files-beside">
      <h2 id="files-beside">Files</h2>
      {asked ? (
        <Differing a={a} b={b} names={names} />
      ) : (
        <div>
          <Button onClick={() => setAsked(true)}>Compare the files</Button>
        </div>
      )}
    </section>
  )
}

const Differing = ({ a, b, names }: Ids & { names: { a: string; b: string } }) => {
  const pages = usePages(FilesBesideDocument, { variables: { a, b }, pick: pickFiles })
  return (
    <>
      <p className="small">
        What must change in “{names.a}” to make it “{names.b}”, as both are now.{' '}
        <Button size="small" kind="quiet" busy={pages.loading} onClick={pages.reload}>
          Look again
        </Button>
      </p>
      <FileChanges pages={pages} label="Files that differ" none="No file differs." />
    </>
  )
}
