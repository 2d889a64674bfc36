import type { LogEvent } from '@longhaul/core/src/events/event.ts'
import { expect, it } from 'vitest'
import { findLostCalls } from './find-lost-calls.ts'

const call = (seq: number, name = 'bash') => ({ seq, type: 'agent.tool_call', payload: { name } }) as LogEvent
const lost = (seq: number, lostCalls: number[]) => ({ seq, type: 'sandbox.state', payload: { state: 'LOST', lostCalls } }) as LogEvent

it('names the calls after the checkpoint that may have changed something', () => {
  expect(findLostCalls([call(3), call(5), call(6, 'read'), call(7, 'write')], 4)).toEqual([5, 7])
  expect(findLostCalls([call(3), call(5)], null)).toEqual([3, 5])
})

it('names those again that an earlier sandbox had kept and a later one, made from an older checkpoint, has not', () => {
  const log = [call(3), call(5), call(8), lost(10, [8]), call(12)]
  expect(findLostCalls(log, 6)).toEqual([12])
  expect(findLostCalls(log, 4)).toEqual([5, 12])
})
