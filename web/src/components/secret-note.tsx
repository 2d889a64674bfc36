import { useEffect, useRef, useState } from 'react'
import { Button } from './button.tsx'

/** A secret that is shown this once. It stays on the page until someone says that they have it: no Escape takes it away. */
export const SecretNote = ({ title, secret, onDone }: { title: string; secret: string | null; onDone: () => void }) => {
  const heading = useRef<HTMLHeadingElement>(null)
  const [copied, setCopied] = useState<'yes' | 'no' | null>(null)
  useEffect(() => heading.current?.focus(), [])
  const copy = (text: string) => {
    // Without TLS the browser offers no clipboard; the text is selected as a whole by one click instead.
    const offered = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))
    offered.then(
      () => setCopied('yes'),
      () => setCopied('no'),
    )
  }
  return (
    <section className="card stack secret-note" aria-label={title}>
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {secret === null ? (
        <p>It was made before, and its secret was shown then. If nobody has it, revoke the key and make another.</p>
      ) : (
        <>
          <p>Copy the key now: it is shown this once, and kept by nobody.</p>
          <code className="secret">{secret}</code>
        </>
      )}
      <div className="row">
        {secret !== null && (
          <Button kind="primary" onClick={() => copy(secret)}>
            Copy
          </Button>
        )}
        <Button onClick={onDone}>I have it</Button>
        <span role="status" className="quiet small">
          {copied === 'yes' && 'Copied.'}
          {copied === 'no' && 'The browser does not let this page copy: select the key and copy it.'}
        </span>
      </div>
    </section>
  )
}
