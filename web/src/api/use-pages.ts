import { useCallback, useEffect, useState } from 'react'
import { type AnyVariables, type TypedDocumentNode, useClient } from 'urql'
import { type Problem, toProblem } from './problem.ts'

type Connection<N> = { edges: { node: N }[]; pageInfo: { hasNextPage: boolean; endCursor?: string | null } }

export type Pages<N> = {
  /** null until the first answer. */
  nodes: N[] | null
  problem: Problem | null
  hasMore: boolean
  loading: boolean
  loadMore: () => void
  reload: () => void
}

/**
 * A connection's pages from the first on. More, and again, both read from the start: what is shown is always of one moment, so that a
 * row that has changed, come or gone stands in no page twice. `pick` must be one function for all calls.
 */
export const usePages = <T, V extends AnyVariables, N>(
  document: TypedDocumentNode<T, V>,
  {
    variables,
    pick,
    pause = false,
  }: { variables: Omit<V, 'after'>; pick: (answer: T) => Connection<N> | null | undefined; pause?: boolean },
): Pages<N> => {
  const client = useClient()
  const key = JSON.stringify(variables)
  const [{ pages, look }, setWanted] = useState({ pages: 1, look: 0 })
  const [list, setList] = useState<{ key: string; nodes: N[]; hasMore: boolean } | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [loading, setLoading] = useState(false)

  const read = useCallback(
    async (count: number): Promise<{ key: string; nodes: N[]; hasMore: boolean }> => {
      const nodes: N[] = []
      let after: string | null = null
      for (let page = 0; page < count; page++) {
        const given = { ...JSON.parse(key), after } as V
        const { data, error } = await client.query(document, given, { requestPolicy: 'network-only' }).toPromise()
        const found = data && pick(data)
        if (!found) throw error ?? new Error('the api answered with nothing')
        nodes.push(...found.edges.map(({ node }) => node))
        after = found.pageInfo.hasNextPage ? (found.pageInfo.endCursor ?? null) : null
        if (after === null) break
      }
      return { key, nodes, hasMore: after !== null }
    },
    [client, document, key, pick],
  )

  // biome-ignore lint/correctness/useExhaustiveDependencies: `look` asks to look again
  useEffect(() => {
    if (pause) return
    let left = false
    setLoading(true)
    read(pages)
      .then((found) => {
        if (left) return
        setList(found)
        setProblem(null)
      })
      .catch((error: unknown) => {
        if (!left) setProblem(toProblem(error))
      })
      .finally(() => {
        if (!left) setLoading(false)
      })
    return () => {
      left = true
    }
  }, [read, pages, look, pause])

  // What was read for another tenant is nothing here.
  const shown = list?.key === key ? list : null
  return {
    nodes: shown?.nodes ?? null,
    problem,
    hasMore: shown?.hasMore ?? false,
    loading,
    loadMore: useCallback(() => setWanted((wanted) => ({ ...wanted, pages: wanted.pages + 1 })), []),
    reload: useCallback(() => setWanted((wanted) => ({ ...wanted, look: wanted.look + 1 })), []),
  }
}
