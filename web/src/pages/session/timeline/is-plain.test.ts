import fc from 'fast-check'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import ReactMarkdown from 'react-markdown'
import remarkGfm from 'remark-gfm'
import { expect, test } from 'vitest'
import { isPlain } from './is-plain.ts'

const parsed = (text: string): string => renderToStaticMarkup(createElement(ReactMarkdown, { remarkPlugins: [remarkGfm] }, text))
const asParagraph = (text: string): string => renderToStaticMarkup(createElement('p', null, text))

test('of a plain text markdown makes one paragraph, whatever it says', () => {
  const words = fc.constantFrom(
    'I',
    'run',
    'Äpfel',
    '日本',
    '12',
    '3.',
    'www',
    'http',
    'mailto',
    'x',
    ' ',
    '-',
    '--',
    '=',
    '.',
    ':',
    '!',
    '(',
    ')',
    "'",
    '…',
    '$1',
  )
  fc.assert(
    fc.property(fc.array(words, { minLength: 1, maxLength: 12 }), (parts) => {
      const text = parts.join('')
      fc.pre(isPlain(text))
      expect(parsed(text)).toBe(asParagraph(text))
    }),
    { numRuns: 500 },
  )
})

test('what agents often say is plain; what has a sign with a meaning is not', () => {
  expect(['I run the tests again, and read what they say.', 'All three pass: 3 of 3 (100 %).'].every(isPlain)).toBe(true)
  const signs = [
    'a *b*',
    'a_b_',
    '`a`',
    '# a',
    '- a',
    '1. a',
    'a\nb',
    '> a',
    '[a](b)',
    'a | b',
    '<b>',
    '&amp;',
    'https://a.b',
    'a@b.c',
    'www.a.b',
    '~a~',
    ' a',
    'a ',
    '',
  ]
  expect(signs.filter(isPlain)).toEqual([])
})
