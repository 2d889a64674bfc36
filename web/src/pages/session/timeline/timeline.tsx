import './timeline.css'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { useStore } from '../../../api/store.ts'
import { Button } from '../../../components/button.tsx'
import type { SessionLog } from '../log/session-log.ts'
import { DraftRow } from './draft-row.tsx'
import { EventRow } from './event-row.tsx'
import { MarksMenu } from './marks-menu.tsx'
import { createRowWindow } from './row-window.ts'
import { estimateHeight } from './to-row.ts'

/** Events around the drawn ones that are read ahead. */
const AHEAD = 60

type Props = {
  log: SessionLog
  want: (from: number, to: number) => void
  /** Nothing more will come. */
  over: boolean
}

/**
 * The log as one list in which row n is event n+1: it has the whole log's length from the start, draws what is in sight, and reads what it
 * draws. The answer that streams is one row more, at the end.
 */
export const Timeline = ({ log, want, over }: Props) => {
  const { live } = useSignedIn()
  const connection = useStore(live.state)
  const version = useSyncExternalStore(log.subscribe, log.version)
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const box = useRef<HTMLDivElement>(null)
  const length = useRef<HTMLDivElement>(null)
  const strip = useRef<HTMLDivElement>(null)
  const list = useMemo(() => createRowWindow((index) => estimateHeight(log.event(index + 1))), [log])
  const head = log.head()
  const draft = log.draft()

  list.setCount(head + (draft ? 1 : 0))
  const { first, last, atEnd } = useSyncExternalStore(list.subscribe, list.shown)
  useLayoutEffect(() => {
    if (box.current && length.current && strip.current)
      return list.attach({ box: box.current, length: length.current, rows: strip.current })
  }, [list])
  useLayoutEffect(list.settle)
  // biome-ignore lint/correctness/useExhaustiveDependencies: after a break, and when more is known, what is missing is asked for again
  useEffect(() => {
    want(Math.max(1, first + 1 - AHEAD), last + 1 + AHEAD)
  }, [want, first, last, version, connection])

  const jump = useCallback((seq: number) => list.jumpTo(seq - 1), [list])
  const toStart = useCallback(() => list.jumpTo(0), [list])
  const toggle = useCallback(
    (seq: number) => {
      list.hold()
      setOpened((old) => {
        const next = new Set(old)
        if (!next.delete(seq)) next.add(seq)
        return next
      })
    },
    [list],
  )

  return (
    <section className="timeline" aria-label="Timeline">
      <MarksMenu marks={log.marks()} head={head} onJump={jump} onStart={toStart} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <div className="timeline-scroll" ref={box} tabIndex={0} role="log" aria-live="off" aria-label="Events">
        <div className="timeline-length" ref={length}>
          <div className="timeline-strip" ref={strip}>
            {Array.from({ length: last - first + 1 }, (_, at) => {
              const index = first + at
              const event = log.event(index + 1)
              const companionSeq = event && log.companionSeq(event)
              const companion = companionSeq === undefined ? undefined : log.event(companionSeq)
              return (
                <div key={index < head ? index : 'draft'} className="timeline-row" data-index={index}>
                  {index >= head ? (
                    draft && <DraftRow draft={draft} />
                  ) : event ? (
                    <EventRow {...{ event, companionSeq, companion, over }} open={opened.has(event.seq)} onToggle={toggle} />
                  ) : (
                    <div className="timeline-unread" />
                  )}
                </div>
              )
            })}
          </div>
        </div>
      </div>
      {!atEnd && head > 0 && (
        <div className="timeline-latest">
          <Button size="small" onClick={list.jumpToEnd}>
            ↓ Latest
          </Button>
        </div>
      )}
    </section>
  )
}
