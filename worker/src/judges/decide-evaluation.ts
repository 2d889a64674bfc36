/** What follows from the verdicts of a round: a pure function, so that a worker that takes over decides the same. */
export type RoundVerdict = { verdict: 'SATISFIED' | 'UNSATISFIED'; workspaceDigest: string }

export type EvaluationEnd =
  /** All that is open holds, on one and the same workspace. */
  | { do: 'complete' }
  /** The verdicts are the agent's next message. */
  | { do: 'work' }
  /** As many rounds as a person allowed since they last spoke. */
  | { do: 'give_up' }
  /** Something is not judged yet, or not on the same workspace as the rest. */
  | { do: 'evaluate'; round: number }

/** `roundsSpent`: since a person last spoke, this one included. `open`: ids of the conditions that must hold, as they are now. */
export const decideEvaluation = (state: {
  open: readonly string[]
  verdicts: ReadonlyMap<string, RoundVerdict>
  round: number
  roundsSpent: number
  maxEvaluations: number
}): EvaluationEnd => {
  const judged = state.open.flatMap((id) => state.verdicts.get(id) ?? [])
  const lastRound = state.roundsSpent >= state.maxEvaluations
  if (judged.length < state.open.length) return { do: 'evaluate', round: state.round }
  if (judged.some(({ verdict }) => verdict !== 'SATISFIED')) return { do: lastRound ? 'give_up' : 'work' }
  // A process of the agent's may change files while a check waits for its retry: what held then need not hold now.
  const moved = new Set(judged.map(({ workspaceDigest }) => workspaceDigest)).size > 1
  if (moved) return lastRound ? { do: 'give_up' } : { do: 'evaluate', round: state.round + 1 }
  return { do: 'complete' }
}
