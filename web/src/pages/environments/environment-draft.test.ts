import { describe, expect, it } from 'vitest'
import type { EnvironmentDefinitionFragment } from '../../generated/graphql.ts'
import { EMPTY_DRAFT, toChanges, toCreateInput, toDifferences, toDraft, toSizeWords } from './environment-draft.ts'

const version: EnvironmentDefinitionFragment = {
  id: 'evv_1',
  version: 1,
  image: 'default',
  cpus: 1,
  memoryMb: 1024,
  diskMb: 4096,
  network: 'ALLOWLIST',
  allowedHosts: ['pypi.org'],
  setupScript: null,
  createdAt: '2026-11-21T05:00:00Z',
}

describe('an environment’s form', () => {
  it('sends numbers as numbers, and null for an empty script', () => {
    expect(toCreateInput({ ...EMPTY_DRAFT, name: 'Python', cpus: '0.5' })).toEqual({
      name: 'Python',
      image: 'default',
      cpus: 0.5,
      memoryMb: 1024,
      diskMb: 4096,
      network: 'NONE',
      allowedHosts: [],
      setupScript: null,
    })
  })

  it('reads hosts one a line, and drops them with the policy that needs them', () => {
    const draft = { ...toDraft('Python', version), allowedHosts: ' pypi.org \n\nfiles.pythonhosted.org,' }
    expect(toCreateInput(draft).allowedHosts).toEqual(['pypi.org', 'files.pythonhosted.org'])
    expect(toChanges({ ...draft, network: 'NONE' }, toDraft('Python', version))).toEqual({ network: 'NONE', allowedHosts: [] })
  })

  it('asks for no new version while nothing differs', () => {
    const draft = toDraft('Python', version)
    expect(toChanges({ ...draft, name: ' Python', memoryMb: '1024 ' }, draft)).toBeNull()
    expect(toChanges({ ...draft, memoryMb: '2048' }, draft)).toEqual({ memoryMb: 2048 })
  })
})

it('a version is told by what differs from the one before', () => {
  expect(toDifferences(version, { ...version, memoryMb: 512, setupScript: 'true' })).toEqual(['memory', 'set-up script'])
})

it('sizes are told in the unit that fits', () => {
  expect(toSizeWords(version)).toBe('1 CPU · 1 GB · 4 GB disk')
  expect(toSizeWords({ cpus: 0.5, memoryMb: 512, diskMb: 1536 })).toBe('0.5 CPUs · 512 MB · 1.5 GB disk')
})
