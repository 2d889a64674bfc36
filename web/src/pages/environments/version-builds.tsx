import { useEffect } from 'react'
import { usePages } from '../../api/use-pages.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { formatDuration } from '../../components/format.ts'
import { OlderButton } from '../../components/older-button.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { type EnvironmentBuildState, EnvironmentBuildsDocument, type EnvironmentBuildsQuery } from '../../generated/graphql.ts'

type Version = { id: string; version: number; setupScript: string | null }
type Build = NonNullable<ReturnType<typeof pickBuilds>>['edges'][number]['node']

/** No event tells of a build: what is under way is looked at again. */
const REFRESH_MS = 2_000

const pickBuilds = ({ node }: EnvironmentBuildsQuery) => (node && 'builds' in node ? node.builds : null)
const isOpen = ({ state }: Build): boolean => state === 'QUEUED' || state === 'BUILDING'

/** What came of a version's set-up script, newest first: whether it holds, or at which line it stopped and what it said. */
export const VersionBuilds = ({ version }: { version: Version }) => {
  const pages = usePages(EnvironmentBuildsDocument, {
    variables: { id: version.id },
    pick: pickBuilds,
    pause: version.setupScript === null,
  })
  const { nodes, problem, reload } = pages
  const waits = nodes?.some(isOpen) ?? false
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer sets the next look
  useEffect(() => {
    if (!waits) return
    const timer = setTimeout(reload, REFRESH_MS)
    return () => clearTimeout(timer)
  }, [nodes, waits, reload])
  if (version.setupScript === null) return null
  return (
    <div className="stack">
      {problem && <ErrorNote error={problem} onRetry={reload} />}
      {nodes?.length === 0 && (
        <p className="quiet small">Not built yet: the first session that needs it has it built, and waits for that.</p>
      )}
      {nodes && nodes.length > 0 && (
        <ul className="builds" aria-label={`Builds of version ${version.version}`}>
          {nodes.map((build, index) => (
            <BuildItem key={build.id} build={build} isNewest={index === 0} />
          ))}
        </ul>
      )}
      <OlderButton pages={pages}>Show older builds</OlderButton>
    </div>
  )
}

const LOOKS: Record<EnvironmentBuildState, { tone: string; words: string }> = {
  QUEUED: { tone: 'quiet', words: 'queued' },
  BUILDING: { tone: 'busy', words: 'building' },
  BUILT: { tone: 'good', words: 'built' },
  FAILED: { tone: 'bad', words: 'failed' },
}

/** The log of one that is under way or has failed is what one has come for. */
const BuildItem = ({ build, isNewest }: { build: Build; isNewest: boolean }) => {
  const { state, failedLine, problem, log, logTruncated, createdAt, startedAt, finishedAt, engineId } = build
  const { tone, words } = LOOKS[state] ?? { tone: 'quiet', words: state.toLowerCase() }
  return (
    <li className="stack">
      <div className="row">
        <span className="pill" data-tone={tone}>
          {words}
        </span>
        <span className="quiet small number">
          <TimeAgo iso={createdAt} /> ago
          {startedAt && finishedAt && ` · took ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`}
          {engineId && ` · engine ${engineId}`}
        </span>
      </div>
      {problem && <p className="bad build-problem">{problem}</p>}
      {!problem && failedLine !== null && <p className="bad">It stopped at line {failedLine}.</p>}
      {log !== '' && (
        <details open={isNewest && state !== 'BUILT'}>
          <summary className="small">What it printed{logTruncated && ', its beginning and its end'}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
          <pre className="definition-text build-log" tabIndex={0}>
            {log}
          </pre>
        </details>
      )}
    </li>
  )
}
