import { expect, test } from 'vitest'
import { parsePort, parseStartOptions } from './parse-start-options.ts'

test('by default it makes the demo and may install', () => {
  expect(parseStartOptions([])).toEqual({ demo: true, install: true })
  expect(parseStartOptions(['--no-demo', '--no-install'])).toEqual({ demo: false, install: false })
  expect(parseStartOptions(['--no-demo', '--help'])).toBe('help')
})

test('a word it does not know is named, not ignored', () => {
  expect(() => parseStartOptions(['--nodemo'])).toThrow('--nodemo')
  expect(() => parseStartOptions(['demo'])).toThrow('demo')
})

test('a port that is none is refused with the name of its variable', () => {
  expect(parsePort(undefined)).toBe(4000)
  expect(parsePort('8080')).toBe(8080)
  for (const text of ['0', '65536', '80a', '-1', '1.5']) expect(() => parsePort(text)).toThrow('PORT')
})
