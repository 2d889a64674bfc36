import { useState } from 'react'
import { type AnyVariables, type TypedDocumentNode, useClient } from 'urql'
import { type Problem, toProblem } from './problem.ts'

/** A mutation that a button starts: whether it is under way, and what came of the last one. */
export const useAction = <T, V extends AnyVariables>(document: TypedDocumentNode<T, V>) => {
  const client = useClient()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  /** Answers null where it failed; `problem` says why. */
  const run = async (variables: V): Promise<T | null> => {
    setBusy(true)
    setProblem(null)
    const { data, error } = await client.mutation(document, variables).toPromise()
    setBusy(false)
    if (error || !data) {
      setProblem(toProblem(error))
      return null
    }
    return data
  }
  return { run, busy, problem, forget: () => setProblem(null) }
}
