import { useEffect, useMemo, useState } from 'react'
import { useQuery } from 'urql'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { SpendChangesDocument, SpendDocument } from '../../generated/graphql.ts'
import { type RangeName, toRange } from './range.ts'

/** The ledger is summed anew each time: at most this often, however much is going on. */
const LOOK_AGAIN_MS = 5_000

/** What a tenant spent in a range, read again when its sessions spend more. `look` rises with each reading. */
export const useSpend = ({ id, tenantId, rangeName }: { id: string; tenantId: string | undefined; rangeName: RangeName }) => {
  const { live } = useSignedIn()
  const [look, setLook] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: after midnight the next look is at another day
  const range = useMemo(() => toRange(rangeName, Date.now()), [rangeName, look])
  const { from, to, unit } = range
  const [{ data, error }, again] = useQuery({
    query: SpendDocument,
    variables: { tenantId: id, from, to, unit },
    requestPolicy: 'cache-and-network',
  })
  useEffect(() => {
    if (look > 0) again({ requestPolicy: 'network-only' })
  }, [look, again])

  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined
    const lookSoon = () => {
      due ??= setTimeout(() => {
        due = undefined
        setLook((times) => times + 1)
      }, LOOK_AGAIN_MS)
    }
    const leave = live.follow(SpendChangesDocument, { variables: () => ({ tenantId }), onNext: lookSoon, onOpen: lookSoon })
    return () => {
      clearTimeout(due)
      leave()
    }
  }, [live, tenantId])

  return { tenant: data?.tenant ?? null, error, range, look, lookNow: () => setLook((times) => times + 1) }
}
