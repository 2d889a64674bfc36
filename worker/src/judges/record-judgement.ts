import type { Condition } from '@longhaul/core/src/conditions/read-conditions.ts'
import type { EventOf } from '@longhaul/core/src/events/event.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import { retryLater } from '../turn/retry-later.ts'
import type { Stretch } from '../turn/stretch.ts'
import { waitForBudget } from '../turn/wait-for-budget.ts'
import { continueWork, judgeAgain, obeyWishes } from './conclude-evaluation.ts'
import type { RoundVerdict } from './decide-evaluation.ts'
import { failed, type Judgement, type Stopped } from './judgement.ts'

type Judged = { condition: Condition; judgement: Judgement; digest: string }

/** Writes what came of one condition, and lets go of the turn where no verdict did. What was spent is in the log in every case. */
export const recordJudgement = async (
  stretch: Stretch,
  { condition, judgement, digest }: { condition: Condition; judgement: Judgement | Stopped; digest: string },
): Promise<'go_on' | 'let_go'> => {
  if ('stopped' in judgement) {
    const reason = failed(judgement.stopped === 'interrupted' ? 'A person interrupted the judge.' : 'The money for the judge ran out.')
    if (judgement.costNanos > 0n)
      await appendVerdict(stretch, { condition, judgement: { ...reason, costNanos: judgement.costNanos }, digest })
    if (judgement.stopped === 'interrupted') return continueWork(stretch, 'interrupted')
    if ((await waitForBudget(stretch, judgement.blocked)) === 'let_go' || (await obeyWishes(stretch)) === 'let_go') return 'let_go'
    return judgeAgain(stretch, stretch.claim.turn.round)
  }
  await appendVerdict(stretch, { condition, judgement, digest })
  await stretch.parts.atPoint('after_verdict')
  if (judgement.verdict !== 'ERROR') return 'go_on'
  const { explanation, status = null, retryAfterMs = null, final = false } = judgement
  const message = `The condition ${JSON.stringify(condition.name)} could not be judged. ${explanation}`
  return retryLater(stretch, { message, status, retryAfterMs, final, costNanos: null })
}

/** Without a guard: a person's wish that comes now is obeyed after a verdict that may have been paid for. */
const appendVerdict = async (stretch: Stretch, { condition, judgement, digest }: Judged): Promise<void> => {
  const { turn } = stretch.claim
  const { verdict, explanation, evidence, costNanos = 0n } = judgement
  await stretch.append([
    {
      type: 'condition.evaluated',
      actor: 'platform',
      payload: {
        turnId: turn.id,
        evaluationId: createId('evl'),
        conditionId: condition.id,
        name: condition.name,
        round: turn.round,
        verdict,
        explanation,
        evidence,
        workspaceDigest: digest,
        isolated: stretch.parts.sandboxes.provider.isolated,
      },
      ...(costNanos > 0n ? { costNanos } : {}),
    },
  ])
}

/** What was judged in this round, by whichever turn and worker. An ERROR is no verdict. */
export const roundVerdicts = ({ events, claim }: Pick<Stretch, 'events' | 'claim'>): Map<string, RoundVerdict> => {
  const given = events.filter(
    (event): event is EventOf<'condition.evaluated'> => event.type === 'condition.evaluated' && event.payload.round === claim.turn.round,
  )
  return new Map(
    given.flatMap(({ payload: { conditionId, verdict, workspaceDigest } }) =>
      verdict === 'SATISFIED' || verdict === 'UNSATISFIED' ? [[conditionId, { verdict, workspaceDigest }] as const] : [],
    ),
  )
}
