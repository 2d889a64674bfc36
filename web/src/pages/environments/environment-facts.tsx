import type { EnvironmentDefinitionFragment } from '../../generated/graphql.ts'
import { toIdleWords, toSizeWords } from './environment-draft.ts'
import { NETWORK_WORDS } from './environment-fields.tsx'

/** What a version says, to read. */
export const EnvironmentFacts = ({ version }: { version: EnvironmentDefinitionFragment }) => (
  <>
    <dl className="facts">
      <dt>Image</dt>
      <dd className="mono">{version.image}</dd>
      <dt>Size</dt>
      <dd>{toSizeWords(version)}</dd>
      <dt>Without work</dt>
      <dd>{toIdleWords(version)}</dd>
      <dt>Network</dt>
      <dd>{version.network === 'ALLOWLIST' ? version.allowedHosts.join(', ') || 'no host' : NETWORK_WORDS[version.network]}</dd>
    </dl>
    {version.setupScript ? <pre className="definition-text">{version.setupScript}</pre> : <p className="quiet small">No set-up script.</p>}
  </>
)
