// What a person asks of sessions that are there: take one back, show what changed in its files, put two side by side.
import type { ApiClient } from './api-client.ts'
import { cleanLine, cleanText } from './clean-text.ts'
import { type ComparedSession, renderComparison } from './compare-sessions.ts'
import type { SessionQuestion } from './parse-session-options.ts'

type FileDiffs = {
  edges: { node: { path: string; change: 'ADDED' | 'MODIFIED' | 'DELETED'; patch: string | null } }[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

const DIFFS = 'edges { node { path change patch } } pageInfo { hasNextPage endCursor }'
const SIDE = 'id title status stopReason usage { costUsd turns toolCalls } doneConditions { name status }'

export async function askOfSessions(client: Pick<ApiClient, 'request'>, question: SessionQuestion): Promise<string> {
  if ('rewind' in question) return rewind(client, question)
  if ('diff' in question) {
    const query = `query Diff($id: ID!, $from: ID, $to: ID, $after: String) { session(id: $id) { diff(fromCheckpointId: $from, toCheckpointId: $to, after: $after) { ${DIFFS} } } }`
    const variables = { id: question.diff, from: question.from, to: question.to }
    return readPages(async (after) => (await client.request<{ session: { diff: FileDiffs } }>(query, { ...variables, after })).session.diff)
  }
  return compare(client, question.compare)
}

async function rewind(
  client: Pick<ApiClient, 'request'>,
  { rewind: checkpointId, axis, sessionId }: Extract<SessionQuestion, { rewind: string }>,
): Promise<string> {
  const { rewindSession } = await client.request<{ rewindSession: { session: { id: string; status: string } } }>(
    'mutation Rewind($input: RewindSessionInput!) { rewindSession(input: $input) { session { id status } } }',
    { input: { checkpointId, axis, sessionId } },
  )
  const { id, status } = rewindSession.session
  return `${id} is ${status}, as it was at ${cleanLine(checkpointId)} (${axis.toLowerCase()}): a message or a resume goes on from there\n`
}

async function compare(client: Pick<ApiClient, 'request'>, [a, b]: [string, string]): Promise<string> {
  const about =
    'query Compare($a: ID!, $b: ID!) { compareSessions(a: $a, b: $b) { commonSeq commonAncestor { id } a { ...side } b { ...side } } }'
  const { compareSessions } = await client.request<{
    compareSessions: { commonSeq: number; commonAncestor: { id: string } | null; a: ComparedSession; b: ComparedSession }
  }>(`${about} fragment side on Session { ${SIDE} }`, { a, b })
  const { commonSeq, commonAncestor, ...sides } = compareSessions
  const parted = commonSeq === 0 ? 'nothing in common' : `parted after event ${commonSeq}${commonAncestor ? ` (${commonAncestor.id})` : ''}`
  const query = `query Files($a: ID!, $b: ID!, $after: String) { compareSessions(a: $a, b: $b) { files(after: $after) { ${DIFFS} } } }`
  const files = await readPages(
    async (after) => (await client.request<{ compareSessions: { files: FileDiffs } }>(query, { a, b, after })).compareSessions.files,
  )
  return `${renderComparison([sides.a, sides.b])}\n${parted}\n\n${files}`
}

async function readPages(read: (after: string | null) => Promise<FileDiffs>): Promise<string> {
  const pages: FileDiffs[] = []
  for (let after: string | null = null; pages.length === 0 || after !== null; ) {
    const page = await read(after)
    pages.push(page)
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
  }
  return renderDiff(pages.flatMap(({ edges }) => edges.map(({ node }) => node)))
}

/** A line for each file, with its patch below it where it has one; pure. What it holds is the agent's own word: no control characters. */
export function renderDiff(changes: readonly FileDiffs['edges'][number]['node'][]): string {
  if (changes.length === 0) return 'no file differs\n'
  return changes
    .map(
      ({ path, change, patch }) =>
        `${change.padEnd(8)} ${cleanLine(path, 1_000)}\n${patch === null ? '' : `${cleanText(patch).trimEnd()}\n`}`,
    )
    .join('')
}
