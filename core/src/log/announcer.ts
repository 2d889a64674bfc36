/**
 * Says after a commit that a session's log has grown, never what it holds; whoever listens reads the log. A lost announcement costs
 * a reader one look at the heads, never an event. Also carries what is never stored: streaming deltas, who is watched, wishes to stop.
 */
export type HeadAnnouncement = { tenantId: string; sessionId: string; head: number }

export type StreamedDelta = {
  sessionId: string
  threadId: string
  turnId: string
  attempt: number
  block: number
  offset: number
  kind: 'TEXT' | 'THINKING' | 'TOOL_INPUT'
  text: string
}

export type AnnouncementListener = {
  onHead?: (head: HeadAnnouncement) => void
  onDelta?: (delta: StreamedDelta) => void
  /** A person wants the session's running turn to stop or pause: look at the session's `control`, or at the claim. */
  onControl?: (sessionId: string) => void
  /** Somebody watches these sessions; said again every few seconds. */
  onWatched?: (sessionIds: string[]) => void
  /** Somebody wants to look at files that this engine holds: see core/src/files. */
  onFileLook?: (engineId: string) => void
  /** The connection was lost for a while: look at everything once. */
  onGap?: () => void
}

export interface Announcer {
  announceHead(head: HeadAnnouncement): void
  announceDelta(delta: StreamedDelta): void
  announceControl(sessionId: string): void
  announceWatched(sessionIds: readonly string[]): void
  announceFileLook(engineId: string): void
  listen(listener: AnnouncementListener): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
}

export type Channel = 'longhaul_heads' | 'longhaul_deltas' | 'longhaul_control' | 'longhaul_wakes'

/** A way to publish strings. `maxBytes` bounds one message. */
export interface AnnouncementTransport {
  readonly maxBytes: number
  publish(channel: Channel, message: string): Promise<void>
  subscribe(channels: readonly Channel[], on: { message: (channel: Channel, message: string) => void; gap: () => void }): Promise<void>
  close(): Promise<void>
}
