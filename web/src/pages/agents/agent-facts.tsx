import type { AgentDefinitionFragment } from '../../generated/graphql.ts'
import { PERMISSION_WORDS } from './tool-grants.tsx'

/** What a version says, to read. */
export const AgentFacts = ({ version }: { version: AgentDefinitionFragment }) => (
  <>
    <dl className="facts">
      <dt>Model</dt>
      <dd className="mono">{version.model}</dd>
      <dt>Judge</dt>
      <dd>{version.judgeModel === null ? <span className="quiet">the platform’s default</span> : <code>{version.judgeModel}</code>}</dd>
      <dt>Tools</dt>
      <dd>
        {version.tools.length === 0 && 'all allowed'}
        {version.tools.map(({ name, permission }) => `${name}: ${PERMISSION_WORDS[permission].toLowerCase()}`).join(' · ')}
      </dd>
    </dl>
    {version.system ? <pre className="definition-text">{version.system}</pre> : <p className="quiet small">No instructions.</p>}
  </>
)
