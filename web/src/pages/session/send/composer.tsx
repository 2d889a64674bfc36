import { type KeyboardEvent, useRef, useState } from 'react'
import { makeIdempotencyKey } from '../../../api/idempotency-key.ts'
import { may } from '../../../api/roles.ts'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { useAction } from '../../../api/use-action.ts'
import { Button } from '../../../components/button.tsx'
import { Choices } from '../../../components/choices.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { TextArea } from '../../../components/field.tsx'
import { type MessageMode, SendMessageDocument, type SessionStateFragment } from '../../../generated/graphql.ts'

const MODES: { value: MessageMode; label: string; title: string }[] = [
  { value: 'QUEUE', label: 'Queue', title: 'Read when the agent ends its work at hand' },
  { value: 'STEER', label: 'Steer', title: 'Read before the next model call' },
  { value: 'INTERRUPT', label: 'Interrupt', title: 'Stops the work at hand, then is read' },
]

/** A message to the agent. What was written stays until the api has taken it. */
export const Composer = ({ session, onSent }: { session: SessionStateFragment; onSent: () => void }) => {
  const { viewer } = useSignedIn()
  const [text, setText] = useState('')
  const [mode, setMode] = useState<MessageMode>('QUEUE')
  const send = useAction(SendMessageDocument)
  // One key a text: sent again after a broken connection, it is still one message.
  const wish = useRef({ text: '', key: '' })

  if (!may.work(viewer.role)) return null
  if (session.status === 'FAILED' || session.status === 'CANCELED')
    return <p className="composer quiet small">This session is {session.status.toLowerCase()}: it takes no more messages.</p>

  // At rest there is nothing that a message could wait for, or stop.
  const works = session.status === 'QUEUED' || session.status === 'RUNNING'
  const submit = async () => {
    if (text.trim() === '' || send.busy) return
    if (wish.current.text !== text) wish.current = { text, key: makeIdempotencyKey() }
    const sent = await send.run({ input: { sessionId: session.id, text, mode: works ? mode : 'QUEUE', idempotencyKey: wish.current.key } })
    if (!sent) return
    setText('')
    onSent()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void submit()
  }
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      {send.problem && <ErrorNote error={send.problem} />}
      <TextArea
        label="Message to the agent"
        hideLabel
        rows={2}
        placeholder={session.status === 'COMPLETED' ? 'A message opens the session again' : 'Message to the agent'}
        value={text}
        onValue={setText}
        onKeyDown={onKeyDown}
      />
      <div className="row">
        {works && <Choices label="When it is read" value={mode} options={MODES} onValue={setMode} />}
        <span className="quiet small composer-hint">
          {works ? MODES.find(({ value }) => value === mode)?.title : 'The agent goes on with it at once'}
        </span>
        <span className="push">
          <Button type="submit" kind="primary" busy={send.busy} disabled={text.trim() === ''} title="Ctrl+Enter">
            Send
          </Button>
        </span>
      </div>
    </form>
  )
}
