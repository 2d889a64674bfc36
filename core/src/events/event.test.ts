import { expect, it } from 'vitest'
import { findUnreadable, type LogEvent } from './event.ts'

const message = (seq: number, payload: unknown) => ({ seq, type: 'user.message', payload }) as LogEvent
const good = message(1, { v: 1, text: 'Hello.', mode: 'queue' })

it('what no release could have written is found, the first of it', () => {
  expect(findUnreadable([good])).toBe(null)
  for (const payload of [null, {}, 'text', { v: 1, mode: 'queue' }, { v: 1, text: 7, mode: 'queue' }, { text: 'Hello.', mode: 'queue' }])
    expect(findUnreadable([good, message(2, payload), message(3, null)])?.seq).toBe(2)
})

it('what a later release has written is left to it', () => {
  expect(findUnreadable([good, message(2, { v: 2, parts: [] })])).toBe(null)
})
