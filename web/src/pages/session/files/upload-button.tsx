import { useRef } from 'react'
import { Button } from '../../../components/button.tsx'

/** Asks which files, and hands them on. The browser's own field can't be styled, so it stays out of sight. */
export const UploadButton = (props: { label: string; children: string; onFiles: (files: File[]) => void }) => {
  const field = useRef<HTMLInputElement>(null)
  return (
    <>
      <Button size="small" kind="quiet" aria-label={props.label} title={props.label} onClick={() => field.current?.click()}>
        {props.children}
      </Button>
      <input
        ref={field}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          props.onFiles([...(event.target.files ?? [])])
          // The same file, changed, may be chosen again.
          event.target.value = ''
        }}
      />
    </>
  )
}
