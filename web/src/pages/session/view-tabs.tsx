import type { KeyboardEvent } from 'react'

export type View = 'timeline' | 'files' | 'checkpoints' | 'overview'

const VIEWS: { view: View; label: string }[] = [
  { view: 'timeline', label: 'Timeline' },
  { view: 'files', label: 'Files' },
  { view: 'checkpoints', label: 'Checkpoints' },
  { view: 'overview', label: 'Overview' },
]

/** What the page's main part shows. The overview stands beside it where there is room, and is a tab where there is none. */
export const ViewTabs = ({ view, onView }: { view: View; onView: (view: View) => void }) => {
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    const tabs = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('[role=tab]')].filter((tab) => tab.offsetParent !== null)
    const at = tabs.indexOf(document.activeElement as HTMLButtonElement)
    const next = tabs[(at + step + tabs.length) % tabs.length]
    next?.focus()
    next?.click()
  }
  return (
    <div className="view-tabs" role="tablist" aria-label="View" onKeyDown={move}>
      {VIEWS.map((tab) => (
        <button
          key={tab.view}
          id={`session-tab-${tab.view}`}
          type="button"
          role="tab"
          data-view={tab.view}
          aria-selected={tab.view === view}
          aria-controls="session-panel"
          tabIndex={tab.view === view ? 0 : -1}
          onClick={() => onView(tab.view)}
        >
          {tab.label}
        </button>
      ))}
    </div>
  )
}
