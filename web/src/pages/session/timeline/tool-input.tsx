import { type Fields, toText } from '../log/read-payload.ts'
import { CodeBlock, languageOf } from './code-block.tsx'
import { DiffBlock } from './diff-block.tsx'

/** The one line that says what a call is about: the command, the path, else its JSON. */
export const summarizeInput = (name: string, input: Fields): string => {
  const path = toText(input['file_path']).replace(/^\/workspace\//, '')
  if (name === 'edit' || name === 'write' || name === 'read') return path || JSON.stringify(input)
  const telling = toText(input['command'] ?? input['pattern'] ?? input['query'] ?? input['question'] ?? input['file_path'])
  return (telling || JSON.stringify(input)).replaceAll(/\s+/g, ' ').slice(0, 300)
}

/** What a call asks for, as what it is: a command, a diff, a file, else its JSON. */
export const ToolInput = ({ name, input }: { name: string; input: Fields }) => {
  const path = toText(input['file_path'])
  if (name === 'bash') return <CodeBlock language="bash" code={toText(input['command'])} />
  if (name === 'edit')
    return (
      <>
        <p className="quiet small mono">
          {path}
          {input['replace_all'] === true && ' (each place)'}
        </p>
        <DiffBlock before={toText(input['old_string'])} after={toText(input['new_string'])} />
      </>
    )
  if (name === 'write')
    return (
      <>
        <p className="quiet small mono">{path}</p>
        <CodeBlock language={languageOf(path)} code={toText(input['content'])} />
      </>
    )
  return <CodeBlock language="json" code={JSON.stringify(input, null, 2)} />
}
