import { describe, expect, it } from 'vitest'
import type { AgentDefinitionFragment } from '../../generated/graphql.ts'
import { EMPTY_DRAFT, toChanges, toCreateInput, toDifferences, toDraft } from './agent-draft.ts'

const version: AgentDefinitionFragment = {
  id: 'agv_1',
  version: 2,
  model: 'claude-sonnet-5-5',
  judgeModel: 'claude-haiku-5-5',
  system: 'Repair code.',
  tools: [{ name: 'bash', permission: 'DENY' }],
  createdAt: '2026-11-21T05:00:00Z',
}

describe('an agent’s form', () => {
  it('sends null for what was left empty', () => {
    expect(toCreateInput({ ...EMPTY_DRAFT, name: ' Fixer ', model: 'claude-sonnet-5-5', system: ' \n' })).toEqual({
      name: 'Fixer',
      model: 'claude-sonnet-5-5',
      judgeModel: null,
      system: null,
      tools: [],
    })
  })

  it('asks for no new version while nothing differs', () => {
    const draft = toDraft('Fixer', version)
    expect(toChanges(draft, draft)).toBeNull()
    expect(toChanges({ ...draft, name: ' Fixer ', tools: { bash: 'DENY' } }, draft)).toBeNull()
  })

  it('sends what differs and nothing else', () => {
    const draft = toDraft('Fixer', version)
    expect(toChanges({ ...draft, model: 'claude-opus-5' }, draft)).toEqual({ model: 'claude-opus-5' })
    expect(toChanges({ ...draft, judgeModel: '', tools: {} }, draft)).toEqual({ judgeModel: null, tools: [] })
  })

  it('does not take the order of tools for a change', () => {
    const draft = { ...toDraft('Fixer', version), tools: { bash: 'DENY', read: 'DENY' } as const }
    expect(toChanges({ ...draft, tools: { read: 'DENY', bash: 'DENY' } }, draft)).toBeNull()
  })
})

it('a version is told by what differs from the one before', () => {
  expect(toDifferences(version, { ...version, model: 'claude-opus-5', tools: [] })).toEqual(['model', 'tools'])
  expect(toDifferences(version, { ...version, judgeModel: null, system: null })).toEqual(['judge', 'instructions'])
})
