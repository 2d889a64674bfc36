import type { ReactNode } from 'react'
import { useSearchParams } from 'wouter'

/** Archived things stay out of a list until someone asks for them, in the address. */
export const useArchivedChoice = <N extends { archivedAt?: string | null }>(nodes: N[]): { shown: N[]; choice: ReactNode } => {
  const [params, setParams] = useSearchParams()
  const archived = nodes.filter(({ archivedAt }) => archivedAt).length
  const showsAll = params.get('archived') === 'shown'
  const toggle = () =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        if (showsAll) next.delete('archived')
        else next.set('archived', 'shown')
        return next
      },
      { replace: true },
    )
  return {
    shown: showsAll ? nodes : nodes.filter(({ archivedAt }) => !archivedAt),
    choice: archived > 0 && (
      <label className="row small">
        <input type="checkbox" checked={showsAll} onChange={toggle} /> Show archived ({archived})
      </label>
    ),
  }
}
