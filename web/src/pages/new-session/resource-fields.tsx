import { Button } from '../../components/button.tsx'
import { TextArea, TextField } from '../../components/field.tsx'
import { formatBytes } from '../../components/format.ts'
import { emptyResource, type ResourceDraft } from './form.ts'
import { readChosenFile } from './read-chosen-file.ts'

type Props = {
  resources: ResourceDraft[]
  faultOf: (path: string, value: string) => string | undefined
  onChange: (resources: ResourceDraft[]) => void
}

/** What lies in the workspace before the first tool runs: repositories and files. */
export const ResourceFields = ({ resources, faultOf, onChange }: Props) => {
  const choose = async (files: FileList | null) => {
    const read = await Promise.all([...(files ?? [])].map(readChosenFile))
    onChange([...resources, ...read])
  }
  return (
    <>
      {resources.map((resource, index) => (
        <ResourceForm
          key={resource.key}
          resource={resource}
          faultOf={(path, value) => faultOf(`resources.${index}.${path}`, value)}
          onChange={(changed) => onChange(resources.map((one) => (one.key === resource.key ? changed : one)))}
          onRemove={() => onChange(resources.filter(({ key }) => key !== resource.key))}
        />
      ))}
      <div className="row">
        <span className="quiet small">Add:</span>
        <Button size="small" onClick={() => onChange([...resources, emptyResource('git')])}>
          Git repository
        </Button>
        <Button size="small" onClick={() => onChange([...resources, emptyResource('file')])}>
          Text file
        </Button>
        <label className="button new-upload" data-size="small">
          Files from this machine
          <input
            type="file"
            multiple
            onChange={(event) => {
              void choose(event.target.files)
              event.target.value = ''
            }}
          />
        </label>
      </div>
    </>
  )
}

type FormProps = {
  resource: ResourceDraft
  faultOf: (path: string, value: string) => string | undefined
  onChange: (resource: ResourceDraft) => void
  onRemove: () => void
}

const ResourceForm = ({ resource, faultOf, onChange, onRemove }: FormProps) => (
  <fieldset className="new-part">
    <legend>{resource.kind === 'git' ? 'Git repository' : 'File'}</legend>
    {resource.kind === 'git' ? <GitFields {...{ resource, faultOf, onChange }} /> : <FileFields {...{ resource, faultOf, onChange }} />}
    <Button size="small" kind="quiet" onClick={onRemove}>
      Remove this {resource.kind === 'git' ? 'repository' : 'file'}
    </Button>
  </fieldset>
)

const GitFields = ({ resource, faultOf, onChange }: Omit<FormProps, 'onRemove'>) => (
  <>
    <TextField
      label="Address"
      placeholder="https://example.com/team/repository.git"
      value={resource.url}
      onValue={(url) => onChange({ ...resource, url })}
      error={faultOf('git.url', resource.url)}
    />
    <div className="new-pair">
      <TextField
        label="Branch, tag or commit"
        placeholder="the default branch"
        hint="Becomes the commit it is at when the session is made."
        value={resource.ref}
        onValue={(ref) => onChange({ ...resource, ref })}
        error={faultOf('git.ref', resource.ref)}
      />
      <TextField
        label="Folder below /workspace"
        placeholder="repository, or . for all of it"
        value={resource.path}
        onValue={(path) => onChange({ ...resource, path })}
        error={faultOf('git.path', resource.path)}
      />
    </div>
  </>
)

const FileFields = ({ resource, faultOf, onChange }: Omit<FormProps, 'onRemove'>) => (
  <>
    <TextField
      label="Path below /workspace"
      value={resource.path}
      onValue={(path) => onChange({ ...resource, path })}
      error={faultOf('file.path', resource.path)}
    />
    {resource.base64 === null ? (
      <TextArea
        label="Content"
        rows={5}
        className="mono"
        value={resource.text}
        onValue={(text) => onChange({ ...resource, text, sizeBytes: text.length })}
        error={faultOf('file.text', resource.text)}
      />
    ) : (
      <p className="quiet small">{formatBytes(resource.sizeBytes)} from this machine.</p>
    )}
  </>
)
