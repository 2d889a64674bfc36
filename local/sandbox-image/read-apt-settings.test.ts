import { expect, test } from 'vitest'
import { findMirror } from './read-apt-settings.ts'

test("the mirror is the first source of the suite itself, in either of apt's forms", () => {
  const deb822 =
    'Types: deb\nURIs: http://security.example/debian-security\nSuites: bookworm-security\n\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n'
  expect(findMirror(deb822)).toBe('http://mirror.example/debian')
  expect(
    findMirror('# deb http://old.example bookworm main\ndeb [arch=amd64 signed-by=/k.gpg] https://one.example/debian bookworm main\n'),
  ).toBe('https://one.example/debian')
})

test('sources of another distribution name no mirror', () => {
  expect(findMirror('deb http://archive.ubuntu.example/ubuntu noble main')).toBeNull()
})
