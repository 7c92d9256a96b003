import { Component, type ReactNode } from 'react'
import { Failed } from './states'

/** A fault in drawing shows as a state with a way on, never as a blank page. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {}

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (!this.state.error) return this.props.children
    return <Failed error={this.state.error} retry={() => location.reload()} />
  }
}
