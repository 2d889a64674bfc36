import { Component, type ReactNode } from 'react'
import { Button } from './button.tsx'

/** A part that can't be drawn takes nothing else with it. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === null) return this.props.children
    return (
      <div className="note row" data-tone="bad" role="alert">
        <span>This part of the console failed: {error.message}</span>
        <Button size="small" onClick={() => this.setState({ error: null })}>
          Show it again
        </Button>
      </div>
    )
  }
}
