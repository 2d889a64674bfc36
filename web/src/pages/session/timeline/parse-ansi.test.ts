import { expect, test } from 'vitest'
import { parseAnsi } from './parse-ansi.ts'

const ESC = '\u001b'

test('colours become classes, and a reset ends them', () => {
  expect(parseAnsi(`a ${ESC}[31;1mred${ESC}[0m b`)).toEqual([
    { text: 'a ', classes: '' },
    { text: 'red', classes: 'ansi-fg-1 ansi-bold' },
    { text: ' b', classes: '' },
  ])
})

test('palette and true colours become the nearest of sixteen', () => {
  expect(parseAnsi(`${ESC}[38;5;196mx${ESC}[38;2;0;180;0my${ESC}[48;5;4mz`).map(({ classes }) => classes)).toEqual([
    'ansi-fg-9',
    'ansi-fg-2',
    'ansi-fg-2 ansi-bg-4',
  ])
})

test('what moves the cursor, sets titles or clears the screen is dropped', () => {
  const evil = `${ESC}[2J${ESC}]0;owned\u0007${ESC}]8;;http://evil${ESC}\\link${ESC}]8;;${ESC}\\${ESC}[10;10Hx\u0000\u0008${ESC}c`
  expect(
    parseAnsi(evil)
      .map(({ text }) => text)
      .join(''),
  ).toBe('linkx')
})

test('a sequence without an end takes nothing after its line', () => {
  expect(
    parseAnsi(`${ESC}[31`)
      .map(({ text }) => text)
      .join(''),
  ).toBe('31')
})

test('text can not be turned around', () => {
  expect(parseAnsi('a\u202Eb\u2066c')).toEqual([{ text: 'abc', classes: '' }])
})

test('a line written over shows its last writing', () => {
  expect(parseAnsi('10 %\r50 %\r100 %\ndone\r\nend')).toEqual([{ text: '100 %\ndone\nend', classes: '' }])
})

test('a megabyte of sequences is read in a moment', () => {
  const started = performance.now()
  expect(parseAnsi(`${ESC}[31mx`.repeat(150_000))).toHaveLength(150_000)
  parseAnsi(`${ESC}]`.repeat(500_000))
  parseAnsi(`${ESC}P`.repeat(500_000))
  expect(performance.now() - started).toBeLessThan(5_000)
})
