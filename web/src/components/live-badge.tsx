import { useSignedIn } from '../api/session-of-tab.tsx'
import { useStore } from '../api/store.ts'

const WORDS = { idle: '', connecting: 'Connecting', live: 'Live', lost: 'Connection lost: trying again' }

/** Whether what is on the screen is of now. */
export const LiveBadge = () => {
  const { live } = useSignedIn()
  const state = useStore(live.state)
  return (
    <span className="live" data-state={state} role="status">
      {WORDS[state]}
    </span>
  )
}
