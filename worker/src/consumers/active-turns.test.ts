import { expect, test } from 'vitest'
import { createWishes } from '../turn/wishes.ts'
import { ActiveTurns } from './active-turns.ts'

const claim = { tenantId: 'tnt_1', sessionId: 'ses_1', threadId: 'thr_1', turnId: 'trn_1', epoch: 1 }

const runTurn = () => {
  const active = new ActiveTurns()
  const wishes = createWishes(null)
  active.add({ ...claim, wishes, startedAt: 0 })
  const hear = (control: 'pause' | 'interrupt' | null, askedAt: number) => active.reconcile([{ ...claim, control }], askedAt)
  return { wishes, hear }
}

test('an interrupt that the turn has obeyed since the question is not told again: its next call goes on', () => {
  const { wishes, hear } = runTurn()
  hear('interrupt', performance.now() + 1)
  const askedAt = performance.now()
  wishes.obeyed(null)
  hear('interrupt', askedAt)
  expect([wishes.control(), wishes.modelSignal().aborted]).toEqual([null, false])
})

test('a second interrupt after the first was obeyed is told', () => {
  const { wishes, hear } = runTurn()
  hear('interrupt', performance.now() + 1)
  wishes.obeyed(null)
  hear('interrupt', performance.now() + 1)
  expect([wishes.control(), wishes.modelSignal().aborted]).toEqual(['interrupt', true])
})
