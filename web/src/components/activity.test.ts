import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { Activity } from './activity.tsx'

const shown = (...[status, activity]: [Parameters<typeof Activity>[0]['status'], string | null]) =>
  renderToStaticMarkup(createElement(Activity, { status, activity })).replaceAll(/<[^>]*>/g, '')

test('what a session is at is a tool call as it was made, else told in words', () => {
  expect(shown('RUNNING', 'bash: npm test')).toBe('bash: npm test')
  expect(shown('RUNNING', 'model')).toBe('waiting for the model')
  expect(shown('QUEUED', 'evaluating')).toBe('judging its conditions')
  expect([shown('QUEUED', null), shown('COMPLETED', null)]).toEqual(['waiting for its turn', '–'])
})
