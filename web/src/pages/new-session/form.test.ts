import { expect, test } from 'vitest'
import { checkForm } from './check-form.ts'
import { type ConditionDraft, emptyCondition, emptyForm, emptyResource, type Form } from './form.ts'
import { toInput } from './to-input.ts'

const form = (change: Partial<Form> = {}): Form => ({
  ...emptyForm(),
  agentId: 'agt_1',
  environmentId: 'env_1',
  prompt: 'Do it',
  ...change,
})
const condition = (change: Partial<ConditionDraft>): ConditionDraft => ({
  ...emptyCondition(change.kind ?? 'COMMAND'),
  name: 'holds',
  ...change,
})
const faultsOf = (change: Partial<ConditionDraft>) => checkForm(form({ conditions: [condition(change)] }))

test('an empty form names what is missing, and nothing that may be left out', () => {
  expect(Object.keys(checkForm(emptyForm()))).toEqual(['agentId', 'environmentId', 'prompt'])
  expect(checkForm(form())).toEqual({})
})

test('each kind of condition is checked at the path the API would name', () => {
  expect(Object.keys(faultsOf({ kind: 'COMMAND', timeoutSeconds: '0', expectExit: '256', protect: '../x' }))).toEqual([
    'doneConditions.0.spec.command.run',
    'doneConditions.0.spec.command.expectExit',
    'doneConditions.0.spec.command.timeoutSeconds',
    'doneConditions.0.spec.command.protect',
  ])
  expect(Object.keys(faultsOf({ kind: 'FILE', path: '/etc/passwd', fileTest: 'jsonSchema', jsonSchema: '{' }))).toEqual([
    'doneConditions.0.spec.file.path',
    'doneConditions.0.spec.file.jsonSchema',
  ])
  expect(Object.keys(faultsOf({ kind: 'UNCHANGED', paths: ' \n' }))).toEqual(['doneConditions.0.spec.unchanged.paths'])
  expect(Object.keys(faultsOf({ kind: 'RUBRIC' }))).toEqual(['doneConditions.0.spec.rubric.rubric'])
})

test('patterns that RE2 does not take are refused as they are typed', () => {
  const why = (matches: string) => faultsOf({ kind: 'FILE', path: 'a', fileTest: 'matches', matches })['doneConditions.0.spec.file.matches']
  expect(why('(?=x)')).toContain('look-ahead')
  expect(why('(a)\\1')).toContain('back-references')
  expect(why('(a)\\\\1')).toBeUndefined()
})

test('two conditions may not share a name', () => {
  const both = [condition({ run: 'true' }), condition({ run: 'false' })]
  expect(checkForm(form({ conditions: both }))).toEqual({ 'doneConditions.1.name': 'Another condition has this name.' })
})

test('a budget is an amount, and rounds are a number', () => {
  expect(Object.keys(checkForm(form({ budgetUsd: '-1', maxEvaluations: '1.5' })))).toEqual(['budgetUsd', 'maxEvaluations'])
  expect(checkForm(form({ budgetUsd: '0.000001', maxEvaluations: '3' }))).toEqual({})
})

test('files that no request could hold are refused before they are sent', () => {
  const large = { ...emptyResource('file'), path: 'a', base64: '', sizeBytes: 6_000_000 }
  expect(Object.keys(checkForm(form({ resources: [large] })))).toEqual(['resources'])
})

test('what was left empty is left to the defaults of the API', () => {
  const input = toInput(form({ conditions: [condition({ run: 'make test', protect: 'tests/**\n\n' })] }))
  expect(input).toMatchObject({ title: null, budgetUsd: null, maxEvaluations: null })
  expect(input.doneConditions).toEqual([
    { name: 'holds', spec: { command: { run: 'make test', expectExit: null, timeoutSeconds: null, protect: ['tests/**'] } } },
  ])
})

test('each test of a file becomes its own field', () => {
  const spec = (change: Partial<ConditionDraft>) =>
    toInput(form({ conditions: [condition({ kind: 'FILE', path: 'a', ...change })] })).doneConditions?.[0]?.spec
  expect(spec({ fileTest: 'exists' })).toEqual({ file: { path: 'a', exists: true } })
  expect(spec({ fileTest: 'absent' })).toEqual({ file: { path: 'a', exists: false } })
  expect(spec({ fileTest: 'matches', matches: 'x' })).toEqual({ file: { path: 'a', matches: 'x' } })
  expect(spec({ fileTest: 'jsonSchema', jsonSchema: '{"type":"object"}' })).toEqual({ file: { path: 'a', jsonSchema: { type: 'object' } } })
})
