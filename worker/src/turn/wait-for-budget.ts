import type { BudgetBlock } from './call-priced-model.ts'
import { statusEvent } from './settle-turn.ts'
import type { Stretch } from './stretch.ts'

/** A turn that waits for money held elsewhere looks again by itself after this long, whatever it was told. */
const LOOK_AGAIN_MS = 15_000

/**
 * Held by calls in flight: the session is QUEUED and the settlement that frees the money wakes it. Over the cap with what is spent
 * alone: PAUSED, until the cap is raised or its period ends. Does not wait where the cap is another one by now, less is spent, or a person has
 * spoken: who changed it has told those that waited then, and a session that stops at a cap goes on by itself, which a pause must not.
 */
export const waitForBudget = async (stretch: Stretch, blocked: BudgetBlock): Promise<'go_on' | 'let_go'> => {
  const turnId = stretch.claim.turn.id
  const { budgetId: id, limitNanos, spentNanos } = blocked
  const guard = { control: false, budget: { id, limitNanos, spentNanos } } as const
  if (blocked.by === 'spent') await stretch.parts.atPoint('before_terminal')
  const result =
    blocked.by === 'held'
      ? await stretch.append([statusEvent('QUEUED', null, 'budget')], {
          guard,
          turn: { op: 'wait', turnId, reason: 'budget', scope: blocked.scope, dueInMs: LOOK_AGAIN_MS },
        })
      : await stretch.append(
          [
            {
              type: 'budget.reached',
              actor: 'platform',
              payload: { budgetId: blocked.budgetId, scope: blocked.scope, resetsAt: blocked.resetsAt },
            },
            statusEvent('PAUSED', 'BUDGET_REACHED'),
          ],
          { guard, turn: { op: 'wait', turnId, reason: 'budget_reached', scope: blocked.scope, dueAt: blocked.resetsAt } },
        )
  return result.refused === undefined ? 'let_go' : 'go_on'
}
