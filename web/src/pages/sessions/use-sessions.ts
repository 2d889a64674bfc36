import { useEffect, useMemo, useState } from 'react'
import { useClient } from 'urql'
import { type Problem, toProblem } from '../../api/problem.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { SessionChangesDocument, type SessionRowFragment, type SessionStatus, SessionsDocument } from '../../generated/graphql.ts'

export type SessionFilter = { tenantId: string | undefined; status: SessionStatus[]; agentId: string | undefined; search: string }

export type SessionList = {
  /** null until the first answer. */
  rows: SessionRowFragment[] | null
  problem: Problem | null
  hasMore: boolean
  loadingMore: boolean
  loadMore: () => void
  reload: () => void
}

/** Whether a row that has just changed or appeared belongs to the list. */
export const fits = (row: SessionRowFragment, filter: SessionFilter): boolean =>
  (filter.status.length === 0 || filter.status.includes(row.status)) &&
  (filter.agentId === undefined || row.agent.id === filter.agentId) &&
  (filter.search === '' || (row.title ?? '').toLowerCase().includes(filter.search.toLowerCase()))

/** The list with a change worked in: newest first, nothing twice. */
export const withChange = (rows: SessionRowFragment[], changed: SessionRowFragment, filter: SessionFilter): SessionRowFragment[] => {
  const known = rows.some(({ id }) => id === changed.id)
  if (!fits(changed, filter)) return known ? rows.filter(({ id }) => id !== changed.id) : rows
  if (known) return rows.map((row) => (row.id === changed.id ? changed : row))
  // An older one that is not on the pages read so far would stand at the wrong place.
  const oldest = rows.at(-1)
  if (oldest && changed.createdAt < oldest.createdAt) return rows
  return [...rows, changed].sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1))
}

/** The sessions that fit, live: read page by page, kept fresh by what the API tells, and read again after a break. */
export const useSessions = (filter: SessionFilter, { pause }: { pause: boolean }): SessionList => {
  const client = useClient()
  const { live } = useSignedIn()
  const [rows, setRows] = useState<SessionRowFragment[] | null>(null)
  const [cursor, setCursor] = useState<string | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [loadingMore, setLoadingMore] = useState(false)
  const key = JSON.stringify(filter)

  const read = useMemo(() => {
    const { status, search, ...rest } = JSON.parse(key) as SessionFilter
    return (after: string | null) =>
      client
        .query(
          SessionsDocument,
          { ...rest, search: search || null, status: status.length > 0 ? status : null, after },
          { requestPolicy: 'network-only' },
        )
        .toPromise()
        .then(({ data, error }) => {
          if (!data) setProblem(toProblem(error))
          else {
            setProblem(null)
            setCursor(data.sessions.pageInfo.hasNextPage ? (data.sessions.pageInfo.endCursor ?? null) : null)
          }
          return data?.sessions.edges.map(({ node }) => node)
        })
  }, [client, key])

  const reload = useMemo(() => () => void read(null).then((found) => found && setRows(found)), [read])

  useEffect(() => {
    if (pause) return
    const current = JSON.parse(key) as SessionFilter
    setRows(null)
    reload()
    let opened = 0
    return live.follow(SessionChangesDocument, {
      variables: () => ({ tenantId: current.tenantId }),
      onOpen: () => {
        if (opened++ > 0) reload()
      },
      onNext: ({ sessionChanged }) => setRows((known) => known && withChange(known, sessionChanged, current)),
      onFault: (error) => setProblem(toProblem(error)),
    })
  }, [live, key, pause, reload])

  const loadMore = () => {
    if (cursor === null || loadingMore) return
    setLoadingMore(true)
    void read(cursor).then((found) => {
      setLoadingMore(false)
      if (found) setRows((known) => [...(known ?? []), ...found.filter(({ id }) => !known?.some((row) => row.id === id))])
    })
  }
  return { rows, problem, hasMore: cursor !== null, loadingMore, loadMore, reload }
}
