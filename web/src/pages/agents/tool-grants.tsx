import { Choices } from '../../components/choices.tsx'
import type { Permission } from '../../generated/graphql.ts'

/** The platform's tools. One that it grows later stands here once a version names it. */
const TOOLS: Record<string, string> = {
  bash: 'runs commands',
  read: 'reads files',
  write: 'writes files',
  edit: 'changes parts of files',
  glob: 'finds files by name',
  grep: 'finds text in files',
}

export const PERMISSION_WORDS: Record<Permission, string> = { ALWAYS_ALLOW: 'Allowed', DENY: 'Denied' }

const OPTIONS = (Object.keys(PERMISSION_WORDS) as Permission[]).map((value) => ({ value, label: PERMISSION_WORDS[value] }))

type Props = { grants: Record<string, Permission>; onGrants: (grants: Record<string, Permission>) => void; error: string | undefined }

export const ToolGrants = ({ grants, onGrants, error }: Props) => (
  <fieldset className="agent-tools">
    <legend className="field-label">Tools</legend>
    <ul>
      {[...new Set([...Object.keys(TOOLS), ...Object.keys(grants)])].map((name) => (
        <li key={name} className="row">
          <span>
            <code>{name}</code> <span className="quiet small">{TOOLS[name]}</span>
          </span>
          <span className="push">
            <Choices
              label={`Permission of ${name}`}
              value={grants[name] ?? 'ALWAYS_ALLOW'}
              options={OPTIONS}
              onValue={(permission) => {
                const { [name]: _, ...rest } = grants
                onGrants(permission === 'ALWAYS_ALLOW' ? rest : { ...rest, [name]: permission })
              }}
            />
          </span>
        </li>
      ))}
    </ul>
    {error && (
      <span className="field-error" role="alert">
        {error}
      </span>
    )}
  </fieldset>
)
