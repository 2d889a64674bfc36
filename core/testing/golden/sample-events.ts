import type { NewEvent } from '../../src/events/event.ts'

/**
 * At least one of each type that the played session does not hold already, in an order that a session could have. A new type of event is
 * added here, or the test of the golden logs fails. `messageSeq`: the seq of the first of them.
 */
export const sampleEvents = (ids: { conditionId: string; firstSeq: number }): NewEvent[] => {
  const { conditionId, firstSeq } = ids
  const turnId = 'trn_golden'
  const budget = {
    budgetId: 'bgt_golden',
    scope: 'SESSION' as const,
    scopeId: 'ses_golden',
    period: 'DAY' as const,
    limitNanos: '5000000000',
  }
  const box = { provider: 'docker', engineId: 'ENGINE', image: 'default', isolated: true }
  return [
    { type: 'user.message', actor: 'key_golden', payload: { text: 'Stop, „please“.\n', mode: 'interrupt' } },
    { type: 'user.interrupt', actor: 'key_golden', payload: { messageSeq: firstSeq } },
    { type: 'user.message_read', actor: 'platform', payload: { turnId, seqs: [firstSeq] } },
    {
      type: 'user.upload',
      actor: 'key_golden',
      payload: { path: 'data/a.csv', kind: 'file', files: 1, sizeBytes: 123, storedBytes: 123, digest: 'a'.repeat(64) },
    },
    { type: 'user.upload_read', actor: 'platform', payload: { turnId, seqs: [firstSeq + 3] } },
    { type: 'user.upload_placed', actor: 'platform', payload: { turnId, seqs: [firstSeq + 3], refused: [] } },
    { type: 'sandbox.state', actor: 'platform', payload: { ...box, state: 'RUNNING', sandboxId: 'box_1' } },
    {
      type: 'sandbox.state',
      actor: 'platform',
      payload: {
        ...box,
        state: 'LOST',
        sandboxId: 'box_2',
        lostCalls: [firstSeq],
        checkpointId: 'ckp_golden',
        checkpointSeq: 4,
        kept: 'workspace',
      },
    },
    { type: 'sandbox.state', actor: 'platform', payload: { ...box, state: 'SUSPENDED', sandboxId: null } },
    { type: 'budget.alert', actor: 'platform', payload: { ...budget, percent: 80 } },
    {
      type: 'budget.reached',
      actor: 'platform',
      payload: { budgetId: budget.budgetId, scope: 'SESSION:ses_golden', resetsAt: '2026-12-01T00:00:00+00:00' },
    },
    { type: 'budget.raised', actor: 'key_golden', payload: budget },
    {
      type: 'harness.error',
      actor: 'platform',
      payload: { turnId, next: 'retrying', message: 'overloaded', status: 529, attempt: 1, retryAt: '2026-11-29T02:00:00.000Z' },
      costNanos: 1_234_567n,
    },
    { type: 'condition.waived', actor: 'key_golden', payload: { conditionId, name: 'it works', reason: 'seen by hand' } },
    { type: 'agent.compacted', actor: 'agent', payload: { turnId, summary: 'It was asked for work, and did it.' } },
    { type: 'user.message', actor: 'key_golden', payload: { text: 'More.', mode: 'steer', lossy: true } },
    { type: 'agent.reset', actor: 'agent', payload: { turnId, handOff: 'Go on with what is left.' } },
    {
      type: 'session.rewound',
      actor: 'key_golden',
      payload: {
        checkpointId: 'ckp_golden',
        seq: firstSeq + 2,
        label: 'before the work',
        axis: 'BOTH',
        thread: { contextFromSeq: 1, contextTokens: 100, unread: [], undone: [[firstSeq + 6, firstSeq + 8]] },
        files: { originId: null, engineId: 'ENGINE', undone: [[firstSeq + 6, firstSeq + 8]], lostCalls: [] },
      },
    },
    { type: 'sandbox.state', actor: 'platform', payload: { ...box, state: 'GONE', sandboxId: 'box_2' } },
    {
      type: 'session.status',
      actor: 'key_golden',
      payload: { status: 'PAUSED', stopReason: 'PAUSED_BY_USER', activity: null, reason: 'enough' },
    },
  ]
}
