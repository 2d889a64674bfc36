import { type ReactNode, useEffect, useId, useRef } from 'react'
import { Button } from './button.tsx'
import { ErrorNote } from './error-note.tsx'

/**
 * A question over the page, in the browser's own modal: it keeps the focus, Escape leaves it. Mounted while open; `onSubmit` is what its main
 * button does, and its form is checked by the browser first.
 */
export const Dialog = (props: {
  title: string
  submit: string
  onSubmit: () => void
  onClose: () => void
  busy?: boolean
  danger?: boolean
  error?: unknown
  disabled?: boolean
  children: ReactNode
}) => {
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    ref.current?.showModal()
  }, [])
  return (
    <dialog ref={ref} className="dialog" aria-labelledby={titleId} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          props.onSubmit()
        }}
      >
        <h2 id={titleId}>{props.title}</h2>
        {props.children}
        {props.error ? <ErrorNote error={props.error} /> : null}
        <div className="dialog-actions">
          <Button onClick={() => ref.current?.close()}>Close</Button>
          <Button type="submit" kind={props.danger ? 'danger' : 'primary'} busy={props.busy ?? false} disabled={props.disabled}>
            {props.submit}
          </Button>
        </div>
      </form>
    </dialog>
  )
}
