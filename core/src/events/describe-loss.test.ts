import { expect, it } from 'vitest'
import { describeLoss } from './describe-loss.ts'
import type { EventOf, LogEvent } from './event.ts'

const call = (seq: number, name: string, summary: string) => ({ seq, type: 'agent.tool_call', payload: { name, summary } }) as LogEvent
const lost = (payload: Partial<EventOf<'sandbox.state'>['payload']>) => ({ type: 'sandbox.state', payload }) as EventOf<'sandbox.state'>
const log = [call(4, 'write', 'write: a.txt'), call(6, 'bash', 'bash: npm install'), call(8, 'edit', 'edit: a.txt')]

it('says which calls are gone, and which of them can simply be made again', () => {
  const text = describeLoss(lost({ lostCalls: [4, 6, 8], checkpointSeq: 3, kept: 'workspace' }), log)
  expect(text).toContain('4 (write: a.txt), 6 (bash: npm install), 8 (edit: a.txt).')
  expect(text).toContain('4, 8 only wrote files: make them again as they were, in this order.')
  expect(text).toContain('What commands did must be looked at')
  expect(text).toContain('Only /workspace could be restored')
})

it('offers only what is there to offer', () => {
  expect(describeLoss(lost({ lostCalls: [4] }), log)).not.toContain('What commands did')
  expect(describeLoss(lost({ lostCalls: [6] }), log)).not.toContain('only wrote files')
  expect(describeLoss(lost({ lostCalls: [] }), log)).toContain('No tool call had changed it.')
  expect(describeLoss(lost({ lostCalls: [99] }), log)).toContain('(numbers in the log): 99.')
})
