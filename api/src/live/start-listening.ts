import type { AnnouncementListener, Announcer } from '@longhaul/core/src/log/announcer.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'

const RETRY_MS = 1_000

/** Listens as soon as announcements can be heard; from then on the announcer reconnects by itself. An announcer has no way to stop. */
export const startListening = (announcer: Announcer, logger: Logger, listener: AnnouncementListener): (() => void) => {
  let stopped = false
  let retry: NodeJS.Timeout | undefined
  const { onHead, onDelta, onGap } = listener
  // A kind nobody asked for is left out: it would open its channel.
  const guarded: AnnouncementListener = {
    ...(onHead && { onHead: (head) => (stopped ? undefined : onHead(head)) }),
    ...(onDelta && { onDelta: (delta) => (stopped ? undefined : onDelta(delta)) }),
    onGap: () => (stopped ? undefined : onGap?.()),
  }
  const listen = (): void => {
    announcer.listen(guarded).then(
      // What was announced before is not heard.
      () => guarded.onGap?.(),
      (error) => {
        if (stopped) return
        logger.warn({ err: error }, 'announcements can not be heard yet')
        retry = setTimeout(listen, RETRY_MS)
      },
    )
  }
  listen()
  return () => {
    stopped = true
    clearTimeout(retry)
  }
}
