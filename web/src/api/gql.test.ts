import { stringifyDocument } from '@urql/core'
import { expect, test } from 'vitest'
import { AgentDocument, SessionForksDocument } from '../generated/graphql.ts'
import { gql } from './gql.ts'

const definitionsOf = ({ definitions }: { definitions: readonly unknown[] }) =>
  definitions.map((definition) => (definition as { name: { value: string } }).name.value)

test('an operation carries each fragment that it names, also those that its fragments name, once', () => {
  expect(definitionsOf(AgentDocument)).toEqual(['Agent', 'AgentDefinition', 'Cap'])
  expect(definitionsOf(SessionForksDocument).sort()).toEqual(['Following', 'ForkLine', 'SessionForks', 'SessionLine', 'SessionMoney'])
  expect(stringifyDocument(SessionForksDocument).match(/fragment SessionLine/g)).toHaveLength(1)
})

test('a text is parsed when somebody looks into it, not before', () => {
  const broken = gql`query {`
  expect(() => broken.definitions).toThrow()
})
