import { expect, test } from 'vitest'
import { findFailedLine } from './find-failed-line.ts'

test.each([
  ['a\nset-up: line 3: nosuch: command not found\n[set-up: line 3 exited with 127]\n', 3],
  ['[set-up: line 1 exited with 1]\n[set-up: line 12 exited with 4]\nbye\n', 12],
  ['set-up: -c: line 4: unexpected EOF while looking for matching `"\'\n', 4],
  ['set-up: 7: nosuch: not found\n', 7],
  ['error at line 9\n', null],
  ['', null],
])('of %j the script stopped at line %s', (output, line) => {
  expect(findFailedLine(output)).toBe(line)
})
