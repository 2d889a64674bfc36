import { expect, test } from 'vitest'
import { toSessionName } from './session-name.ts'

test('a session without a title is known by how its prompt begins, on one line', () => {
  expect(toSessionName({ title: 'Mend it', prompt: 'Please mend it.' })).toBe('Mend it')
  expect(toSessionName({ title: null, prompt: ' Mend\n\n  it. ' })).toBe('Mend it.')
  expect(toSessionName({ title: null, prompt: 'word '.repeat(40) })).toBe(`${'word '.repeat(16).trimEnd()} …`)
})
