import { gql as parse } from '@urql/core'

type Document = ReturnType<typeof parse>

const texts = new WeakMap<object, string>()

/**
 * An operation's text, with that of the fragments it names behind it, which is parsed when somebody looks into it: of most, nobody does.
 * What is generated is made of these.
 */
export const gql = (parts: TemplateStringsArray, ...fragments: object[]): Document => {
  const text = parts.map((part, at) => part + (texts.get(fragments[at] ?? parts) ?? '')).join('')
  let parsed: Document['definitions'] | null = null
  const document = {
    kind: 'Document' as Document['kind'],
    get definitions() {
      parsed ??= parse(text).definitions
      return parsed
    },
  }
  texts.set(document, text)
  return document
}
