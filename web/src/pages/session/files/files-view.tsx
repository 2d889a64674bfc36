import './files.css'
import { useState } from 'react'
import { may } from '../../../api/roles.ts'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { Button } from '../../../components/button.tsx'
import { FileContent } from './file-content.tsx'
import { Folder, type Send } from './folder.tsx'
import { TransferList } from './transfer-list.tsx'
import { transfersOf } from './transfers.ts'
import { UploadButton } from './upload-button.tsx'
import { useDrop } from './use-drop.ts'

const ROOT = '/workspace'

/** The workspace as it is now: folders on the left, a file on the right. It is the agent's own word. */
export const FilesView = ({ sessionId, head }: { sessionId: string; head: number }) => {
  const [chosen, setChosen] = useState<string | null>(null)
  const [readAt, setReadAt] = useState(head)
  const signedIn = useSignedIn()
  const transfers = transfersOf(signedIn, sessionId)
  const sendAll: Send = (files, folder) => {
    for (const file of files) transfers.send(file, folder)
  }
  const send = may.work(signedIn.viewer.role) ? sendAll : null
  const drop = useDrop(send && ((files) => send(files, ROOT)))
  return (
    <div className="files">
      <nav className="files-tree" aria-label="Files of the workspace" {...drop}>
        <strong className="mono small">{ROOT}</strong>
        <div className="row files-actions">
          <Button size="small" kind="quiet" onClick={() => setReadAt(head)} title="Read the workspace again">
            {head > readAt ? '↻ Changed since? Read again' : '↻ Read again'}
          </Button>
          {send && (
            <UploadButton label={`Upload files into ${ROOT}`} onFiles={(files) => send(files, ROOT)}>
              ↑ Upload …
            </UploadButton>
          )}
          <Button size="small" kind="quiet" onClick={() => transfers.fetch(ROOT, 'folder')}>
            ↓ Download all
          </Button>
        </div>
        <TransferList transfers={transfers} />
        <Folder key={readAt} sessionId={sessionId} path={ROOT} chosen={chosen} onChoose={setChosen} transfers={transfers} onSend={send} />
        {send && <p className="quiet small files-hint">Files may be dropped here, or onto a folder.</p>}
      </nav>
      <div className="files-content">
        {chosen ? (
          <FileContent key={`${chosen} ${readAt}`} sessionId={sessionId} path={chosen} onDownload={() => transfers.fetch(chosen, 'file')} />
        ) : (
          <p className="quiet">Choose a file.</p>
        )}
      </div>
    </div>
  )
}
