import type { ConditionKind } from '../../../generated/graphql.ts'
import { toFields, toList, toText } from '../log/read-payload.ts'

/** What a condition asks for, in a sentence. */
export const SpecView = ({ kind, spec }: { kind: ConditionKind; spec: unknown }) => {
  const outer = toFields(spec)
  // The spec is what was given: `{command: {…}}`; or its inside.
  const fields = { ...outer, ...toFields(outer[kind.toLowerCase()]) }
  const list = (name: string) => toList(fields[name]).map(toText).join(', ')
  switch (kind) {
    case 'COMMAND':
      return (
        <p className="small">
          <code>{toText(fields['run'])}</code> exits with {toText(fields['expectExit']) || '0'} in a fresh container
          {list('protect') && (
            <>
              , with <code>{list('protect')}</code> put back first
            </>
          )}
          .
        </p>
      )
    case 'FILE':
      return (
        <p className="small">
          <code>{toText(fields['path'])}</code> {fileAsks(fields)}.
        </p>
      )
    case 'UNCHANGED':
      return (
        <p className="small">
          Nothing under <code>{list('paths')}</code> was added, removed or changed.
        </p>
      )
    case 'RUBRIC':
      return <p className="small spec-rubric">A judge finds that: {toText(fields['rubric'])}</p>
  }
}

const fileAsks = (fields: Record<string, unknown>): string => {
  if (toText(fields['matches'])) return `matches ${toText(fields['matches'])}`
  if (fields['jsonSchema'] !== undefined && fields['jsonSchema'] !== null) return 'fits a JSON Schema'
  return fields['exists'] === false ? 'is not there' : 'is there'
}
