import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanLine, cleanText } from './clean-text.ts'

test('colour, cursor and title sequences leave no trace', () => {
  expect(cleanText('\u001b[31mred\u001b[0m \u001b[2K\u001b[1Aup \u001b]0;title\u0007here\u001b]8;;http://x\u001b\\link')).toBe(
    'red up herelink',
  )
})

test('what is left of a cut sequence, a bell and marks that reorder text become visible', () => {
  expect(cleanText('a\u001b[3')).toBe('a\ufffd[3')
  expect(cleanText('ring\u0007 abc\u202ecba \u009b31m')).toBe('ring\ufffd abc\ufffdcba \ufffd31m')
})

test('tabs and newlines stay, and a carriage return can not overwrite a line', () => {
  expect(cleanText('a\tb\r\nc\rd')).toBe('a\tb\nc\nd')
})

test('no text whatever leaves a control character but tab and newline', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/(?![\t\n])\p{Cc}/u.test(cleanText(text))))
})

test('a line is cut on code points and says so', () => {
  expect(cleanLine('one\n  two')).toBe('one two')
  expect(cleanLine('😀😀😀😀', 3)).toBe('😀😀…')
})
