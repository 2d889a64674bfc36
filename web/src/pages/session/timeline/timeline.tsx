import './timeline.css'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { useStore } from '../../../api/store.ts'
import { Button } from '../../../components/button.tsx'
import type { SessionLog } from '../log/session-log.ts'
import { DraftRow } from './draft-row.tsx'
import { EventRow } from './event-row.tsx'
import { MarksMenu } from './marks-menu.tsx'
import { estimateHeight } from './to-row.ts'

/** Rows above and below the visible ones that are drawn, and events around them that are read ahead. */
const OVERSCAN = 8
const AHEAD = 60
/** Nearer to the end than this, one follows it. */
const END_PX = 48

/**
 * The log as one list in which row n is event n+1: it has the whole log's length from the start, draws what is in sight, and reads what it
 * draws. The answer that streams is one row more, at the end.
 */
export const Timeline = ({ log, want }: { log: SessionLog; want: (from: number, to: number) => void }) => {
  const { live } = useSignedIn()
  const connection = useStore(live.state)
  const version = useSyncExternalStore(log.subscribe, log.version)
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const scroller = useRef<HTMLDivElement>(null)
  const head = log.head()
  const draft = log.draft()

  const list = useVirtualizer({
    count: head + (draft ? 1 : 0),
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (index < head ? estimateHeight(log.event(index + 1)) : 60),
    getItemKey: (index) => (index < head ? index + 1 : 'draft'),
    overscan: OVERSCAN,
    paddingStart: 8,
    paddingEnd: 12,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: END_PX,
    initialOffset: () => Number.MAX_SAFE_INTEGER,
  })

  const rows = list.getVirtualItems()
  const [first, last] = [(rows[0]?.index ?? 0) + 1, (rows.at(-1)?.index ?? 0) + 1]
  // biome-ignore lint/correctness/useExhaustiveDependencies: after a break, and when more is known, what is missing is asked for again
  useEffect(() => {
    want(Math.max(1, first - AHEAD), last + AHEAD)
  }, [want, first, last, version, connection])

  const jump = useCallback((seq: number) => list.scrollToIndex(seq - 1, { align: 'start' }), [list])
  const toStart = useCallback(() => list.scrollToIndex(0), [list])
  const toggle = useCallback((seq: number) => {
    setOpened((old) => {
      const next = new Set(old)
      if (!next.delete(seq)) next.add(seq)
      return next
    })
  }, [])
  const atEnd = list.isAtEnd()

  return (
    <section className="timeline" aria-label="Timeline">
      <MarksMenu marks={log.marks()} head={head} onJump={jump} onStart={toStart} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <div className="timeline-scroll" ref={scroller} tabIndex={0} role="log" aria-live="off" aria-label="Events">
        <div className="timeline-sizer" style={{ height: list.getTotalSize() }}>
          {rows.map(({ key, index, start }) => {
            const event = log.event(index + 1)
            const companionSeq = event && log.companionSeq(event)
            const companion = companionSeq === undefined ? undefined : log.event(companionSeq)
            return (
              <div
                key={key}
                className="timeline-row"
                data-index={index}
                ref={list.measureElement}
                style={{ transform: `translateY(${start}px)` }}
              >
                {index >= head ? (
                  draft && <DraftRow draft={draft} />
                ) : event ? (
                  <EventRow {...{ event, companionSeq, companion }} open={opened.has(event.seq)} onToggle={toggle} />
                ) : (
                  <div className="timeline-unread" />
                )}
              </div>
            )
          })}
        </div>
      </div>
      {!atEnd && head > 0 && (
        <div className="timeline-latest">
          <Button size="small" onClick={() => list.scrollToEnd()}>
            ↓ Latest
          </Button>
        </div>
      )}
    </section>
  )
}
