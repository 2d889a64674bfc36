import type { ReactNode } from 'react'

export const EmptyState = ({ title, children }: { title: string; children?: ReactNode }) => (
  <div className="empty card">
    <h2>{title}</h2>
    {children}
  </div>
)
