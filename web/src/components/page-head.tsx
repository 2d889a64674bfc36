import { type ReactNode, useEffect } from 'react'

/** A page's name, for the eye and for the browser's tab, and what can be done here. */
export const PageHead = ({ title, children }: { title: string; children?: ReactNode }) => {
  useEffect(() => {
    document.title = `${title} · Longhaul`
  }, [title])
  return (
    <div className="row">
      <h1>{title}</h1>
      <span className="push row">{children}</span>
    </div>
  )
}
