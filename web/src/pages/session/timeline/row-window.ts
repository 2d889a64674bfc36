import { createRowHeights } from './row-heights.ts'

/** The rows that are drawn, both included, and whether the end is followed. */
export type Shown = { first: number; last: number; atEnd: boolean }

/** A place that stays where it is: a row with how far below its top the view begins, or the end of the list. */
type Anchor = { index: number; below: number } | 'end'

/**
 * Which rows of a long list are drawn. The view is tied to what one reads: rows above may come, grow or be measured, and the row at the
 * top stays at the top; at the end the end stays in view. The parts are the scrolling box, in it the list's whole length, in it the rows.
 */
export type RowWindow = {
  shown(): Shown
  subscribe(listener: () => void): () => void
  setCount(count: number): void
  /** To be called with the parts once they are there; returns what takes it back. */
  attach(parts: { box: HTMLElement; length: HTMLElement; rows: HTMLElement }): () => void
  /** After each drawing: measures what was drawn, and puts things where they belong. */
  settle(): void
  jumpTo(index: number): void
  jumpToEnd(): void
  /** What one looks at is about to change its height, and is not to move. */
  hold(): void
}

/** Drawn above and below the view: what a fast wheel turns by in two frames. */
const AHEAD_PX = 500
/** Who scrolls down to nearer the end than this follows it; whoever scrolls up by more than a touch follows it no more. */
const JOIN_PX = 48
const LEAVE_PX = 2
/** Around the rows, as a padding would be. */
const [TOP_PX, BOTTOM_PX] = [8, 12]
/** Rows drawn before anything is measured. */
const FIRST_ROWS = 40

export const createRowWindow = (estimate: (index: number) => number): RowWindow => {
  const heights = createRowHeights()
  const listeners = new Set<() => void>()
  let parts: { box: HTMLElement; length: HTMLElement; rows: HTMLElement } | null = null
  let anchor: Anchor = 'end'
  let shown: Shown = { first: 0, last: -1, atEnd: true }
  let [viewPx, lastTop] = [0, 0]

  const totalPx = () => TOP_PX + heights.total() + BOTTOM_PX
  const toTop = (): number => {
    const end = Math.max(0, totalPx() - viewPx)
    return anchor === 'end' ? end : Math.min(end, Math.max(0, TOP_PX + heights.topOf(anchor.index) + anchor.below))
  }
  const toAnchor = (top: number): Anchor => {
    const index = heights.indexAt(top - TOP_PX)
    return { index, below: top - TOP_PX - heights.topOf(index) }
  }

  /** Whether other rows are to be drawn than were. */
  const look = (): boolean => {
    const top = toTop() - TOP_PX
    const last = viewPx === 0 ? heights.count() - 1 : heights.indexAt(top + viewPx + AHEAD_PX)
    const first = viewPx === 0 ? Math.max(0, last - FIRST_ROWS) : heights.indexAt(top - AHEAD_PX)
    const next = { first, last: Math.min(last, heights.count() - 1), atEnd: anchor === 'end' }
    if (next.first === shown.first && next.last === shown.last && next.atEnd === shown.atEnd) return false
    shown = next
    return true
  }
  const changed = () => {
    if (look()) for (const listener of listeners) listener()
  }

  const follow = () => {
    if (parts === null) return
    const top = parts.box.scrollTop
    if (Math.abs(top - lastTop) < 1) return // where `settle` has put it
    const left = totalPx() - viewPx - top
    anchor = left < (top < lastTop ? LEAVE_PX : JOIN_PX) ? 'end' : toAnchor(top)
    lastTop = top
  }

  const settle = () => {
    if (parts === null) return
    const { box, length, rows } = parts
    // Reads first, then writes: the page is laid out once. Who has scrolled since is heard first, by the heights they saw.
    follow()
    viewPx = box.clientHeight
    for (const row of rows.children) heights.set(Number((row as HTMLElement).dataset['index']), row.getBoundingClientRect().height)
    length.style.height = `${totalPx()}px`
    rows.style.transform = `translateY(${TOP_PX + heights.topOf(shown.first)}px)`
    const top = toTop()
    if (Math.abs(lastTop - top) >= 1) box.scrollTop = top
    lastTop = top
    if (totalPx() - viewPx - top < LEAVE_PX) anchor = 'end'
    changed()
  }

  const onScroll = () => {
    follow()
    changed()
  }

  const moveTo = (next: Anchor) => {
    anchor = next
    settle()
    changed()
  }

  return {
    shown: () => shown,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    setCount: (count) => {
      if (count === heights.count()) return
      heights.setCount(count, estimate)
      look()
    },
    attach: (attached) => {
      parts = attached
      const { box, rows } = attached
      box.addEventListener('scroll', onScroll, { passive: true })
      // Rows that are folded, loaded or streamed, and a window that is made larger.
      const watcher = new ResizeObserver(settle)
      watcher.observe(box)
      watcher.observe(rows)
      return () => {
        parts = null
        watcher.disconnect()
        box.removeEventListener('scroll', onScroll)
      }
    },
    settle,
    jumpTo: (index) => moveTo({ index, below: 0 }),
    jumpToEnd: () => moveTo('end'),
    hold: () => {
      if (anchor === 'end') anchor = toAnchor(toTop())
    },
  }
}
