import { Button } from '../../components/button.tsx'
import { SelectField, TextArea, TextField } from '../../components/field.tsx'
import type { ConditionKind } from '../../generated/graphql.ts'
import { type ConditionDraft, emptyCondition, type FileTest } from './form.ts'

export const KINDS: { kind: ConditionKind; label: string; explains: string }[] = [
  {
    kind: 'COMMAND',
    label: 'Command',
    explains: 'Holds when a command exits as expected, in a fresh container with a copy of the workspace. The agent has no way into it.',
  },
  {
    kind: 'UNCHANGED',
    label: 'Unchanged',
    explains: 'Holds when nothing under these paths was added, removed or changed since the resources were put in.',
  },
  { kind: 'FILE', label: 'File', explains: 'Holds when a file is there, is not there, matches a pattern, or fits a JSON Schema.' },
  {
    kind: 'RUBRIC',
    label: 'Rubric',
    explains:
      'A model that has heard nothing of what the agent said reads the task and the workspace, and judges. It costs money of the session’s budget.',
  },
]

type Props = {
  conditions: ConditionDraft[]
  faultOf: (path: string, value: string) => string | undefined
  onChange: (conditions: ConditionDraft[]) => void
}

/** The conditions of a session: each kind with a form of its own that says what it means. */
export const ConditionFields = ({ conditions, faultOf, onChange }: Props) => (
  <>
    {conditions.map((condition, index) => (
      <ConditionForm
        key={condition.key}
        condition={condition}
        faultOf={(path, value) => faultOf(`doneConditions.${index}.${path}`, value)}
        onChange={(changed) => onChange(conditions.map((one) => (one.key === condition.key ? changed : one)))}
        onRemove={() => onChange(conditions.filter(({ key }) => key !== condition.key))}
      />
    ))}
    <div className="row">
      <span className="quiet small">Add a condition:</span>
      {KINDS.map(({ kind, label, explains }) => (
        <Button key={kind} size="small" title={explains} onClick={() => onChange([...conditions, emptyCondition(kind)])}>
          {label}
        </Button>
      ))}
    </div>
  </>
)

type FormProps = {
  condition: ConditionDraft
  faultOf: (path: string, value: string) => string | undefined
  onChange: (condition: ConditionDraft) => void
}

const ConditionForm = ({ onRemove, ...props }: FormProps & { onRemove: () => void }) => {
  return (
    <fieldset className="new-part">
      <legend>{KINDS.find(({ kind }) => kind === props.condition.kind)?.label}</legend>
      <OneCondition {...props} />
      <Button size="small" kind="quiet" onClick={onRemove}>
        Remove this condition
      </Button>
    </fieldset>
  )
}

/** What a condition means, and its fields. */
export const OneCondition = (props: FormProps) => {
  const { condition, faultOf, onChange } = props
  return (
    <>
      <p className="quiet small">{KINDS.find(({ kind }) => kind === condition.kind)?.explains}</p>
      <TextField
        label="Name"
        placeholder={condition.kind === 'COMMAND' ? 'tests pass' : undefined}
        value={condition.name}
        onValue={(name) => onChange({ ...condition, name })}
        error={faultOf('name', condition.name)}
      />
      <SpecFields {...props} />
    </>
  )
}

const SpecFields = (props: FormProps) => {
  switch (props.condition.kind) {
    case 'COMMAND':
      return <CommandFields {...props} />
    case 'FILE':
      return <FileFields {...props} />
    case 'UNCHANGED':
      return (
        <TextArea
          label="Paths or globs, one a line"
          rows={2}
          placeholder={'tests/**\npackage.json'}
          value={props.condition.paths}
          onValue={(paths) => props.onChange({ ...props.condition, paths })}
          error={props.faultOf('spec.unchanged.paths', props.condition.paths)}
        />
      )
    case 'RUBRIC':
      return (
        <>
          <TextArea
            label="What must hold"
            rows={4}
            value={props.condition.rubric}
            onValue={(rubric) => props.onChange({ ...props.condition, rubric })}
            error={props.faultOf('spec.rubric.rubric', props.condition.rubric)}
          />
          <TextField
            label="Judge’s model"
            hint="Left empty: the agent’s judge, or the platform’s."
            value={props.condition.model}
            onValue={(model) => props.onChange({ ...props.condition, model })}
            error={props.faultOf('spec.rubric.model', props.condition.model)}
          />
        </>
      )
  }
}

const CommandFields = ({ condition, faultOf, onChange }: FormProps) => (
  <>
    <TextArea
      label="Command"
      rows={2}
      className="mono"
      placeholder="npm test"
      hint="A shell script. It runs in /workspace, without the network."
      value={condition.run}
      onValue={(run) => onChange({ ...condition, run })}
      error={faultOf('spec.command.run', condition.run)}
    />
    <div className="new-pair">
      <TextField
        label="Expected exit code"
        inputMode="numeric"
        placeholder="0"
        value={condition.expectExit}
        onValue={(expectExit) => onChange({ ...condition, expectExit })}
        error={faultOf('spec.command.expectExit', condition.expectExit)}
      />
      <TextField
        label="Time limit in seconds"
        inputMode="numeric"
        placeholder="600"
        value={condition.timeoutSeconds}
        onValue={(timeoutSeconds) => onChange({ ...condition, timeoutSeconds })}
        error={faultOf('spec.command.timeoutSeconds', condition.timeoutSeconds)}
      />
    </div>
    <TextArea
      label="Put back first"
      rows={1}
      placeholder="tests/**"
      hint="Paths or globs, one a line, restored before the command runs: the agent’s changes to them do not count. Unchanged paths are put back too."
      value={condition.protect}
      onValue={(protect) => onChange({ ...condition, protect })}
      error={faultOf('spec.command.protect', condition.protect)}
    />
  </>
)

const FileFields = ({ condition, faultOf, onChange }: FormProps) => (
  <>
    <div className="new-pair">
      <TextField
        label="File"
        placeholder="report.json"
        value={condition.path}
        onValue={(path) => onChange({ ...condition, path })}
        error={faultOf('spec.file.path', condition.path)}
      />
      <SelectField
        label="Test"
        value={condition.fileTest}
        onValue={(fileTest) => onChange({ ...condition, fileTest: fileTest as FileTest })}
      >
        <option value="exists">is there</option>
        <option value="absent">is not there</option>
        <option value="matches">matches a pattern</option>
        <option value="jsonSchema">fits a JSON Schema</option>
      </SelectField>
    </div>
    {condition.fileTest === 'matches' && (
      <TextField
        label="Pattern (RE2)"
        className="mono"
        hint="Found anywhere in the file."
        value={condition.matches}
        onValue={(matches) => onChange({ ...condition, matches })}
        error={faultOf('spec.file.matches', condition.matches)}
      />
    )}
    {condition.fileTest === 'jsonSchema' && (
      <TextArea
        label="JSON Schema"
        rows={5}
        className="mono"
        placeholder={'{"type": "object", "required": ["total"]}'}
        value={condition.jsonSchema}
        onValue={(jsonSchema) => onChange({ ...condition, jsonSchema })}
        error={faultOf('spec.file.jsonSchema', condition.jsonSchema)}
      />
    )}
  </>
)
