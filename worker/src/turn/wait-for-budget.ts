import type { BudgetBlock } from './call-priced-model.ts'
import { statusEvent } from './settle-turn.ts'
import type { Stretch } from './stretch.ts'

/** A turn that waits for money held elsewhere looks again by itself after this long, whatever it was told. */
const LOOK_AGAIN_MS = 15_000

/**
 * Held by calls in flight: the session is QUEUED and the settlement that frees the money wakes it. Over the cap with what is spent
 * alone: PAUSED, until the cap is raised or its period ends.
 */
export const waitForBudget = async (stretch: Stretch, blocked: BudgetBlock): Promise<'let_go'> => {
  const turnId = stretch.claim.turn.id
  if (blocked.by === 'held') {
    await stretch.append([statusEvent('QUEUED', null, 'budget')], {
      turn: { op: 'wait', turnId, reason: 'budget', scope: blocked.scope, dueInMs: LOOK_AGAIN_MS },
    })
    return 'let_go'
  }
  await stretch.parts.atPoint('before_terminal')
  await stretch.append(
    [
      {
        type: 'budget.reached',
        actor: 'platform',
        payload: { budgetId: blocked.budgetId, scope: blocked.scope, resetsAt: blocked.resetsAt },
      },
      statusEvent('PAUSED', 'BUDGET_REACHED'),
    ],
    { turn: { op: 'wait', turnId, reason: 'budget_reached', scope: blocked.scope, dueAt: blocked.resetsAt } },
  )
  return 'let_go'
}
