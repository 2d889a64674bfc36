import type { ReactNode } from 'react'
import { type Problem, toProblem } from '../api/problem.ts'
import { Button } from './button.tsx'

/** What went wrong, where it went wrong, in the API's own words. */
export const ErrorNote = ({ error, onRetry, children }: { error: unknown; onRetry?: () => void; children?: ReactNode }) => {
  const { message } = isProblem(error) ? error : toProblem(error)
  return (
    <div className="note row" data-tone="bad" role="alert">
      <span>{message}</span>
      {children}
      {onRetry && (
        <Button size="small" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  )
}

const isProblem = (error: unknown): error is Problem => typeof error === 'object' && error !== null && 'reason' in error && 'field' in error
