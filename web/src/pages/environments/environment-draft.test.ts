import { describe, expect, it } from 'vitest'
import { formatDuration } from '../../components/format.ts'
import type { EnvironmentDefinitionFragment } from '../../generated/graphql.ts'
import { EMPTY_DRAFT, toChanges, toCreateInput, toDifferences, toDraft, toIdleWords, toSizeWords } from './environment-draft.ts'

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
  idleSeconds: null,
  keepAwakeSeconds: 0,
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
      idleSeconds: null,
      keepAwakeSeconds: 0,
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
    expect(toChanges({ ...draft, idleSeconds: ' ' }, { ...draft, idleSeconds: '90' })).toEqual({ idleSeconds: null })
  })
})

it('a version is told by what differs from the one before', () => {
  expect(toDifferences(version, { ...version, memoryMb: 512, setupScript: 'true' })).toEqual(['memory', 'set-up script'])
})

it('what becomes of a sandbox without work is told, as the platform has it or as the version says', () => {
  expect(toIdleWords(version)).toBe('stopped after the platform’s time')
  expect(toIdleWords({ idleSeconds: 300, keepAwakeSeconds: 3_600 })).toBe(
    `stopped after ${formatDuration(300_000)}; running processes keep it awake for up to ${formatDuration(3_600_000)}`,
  )
})

it('sizes are told in the unit that fits', () => {
  expect(toSizeWords(version)).toBe('1 CPU · 1 GB · 4 GB disk')
  expect(toSizeWords({ cpus: 0.5, memoryMb: 512, diskMb: 1536 })).toBe('0.5 CPUs · 512 MB · 1.5 GB disk')
})
