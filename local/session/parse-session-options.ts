// The words of `npm run session` as what they ask for.
import { basename } from 'node:path'
import { parseArgs } from 'node:util'

export type ConditionInput = { name: string; spec: Record<string, unknown> }
export type FileToSend = { path: string; from: string }
export type GitToClone = { path: string; url: string; ref?: string }

export type SessionOptions = {
  url: string
  key: string
  /** Id or name. */
  agent?: string
  environment?: string
  prompt?: string
  title?: string
  budgetUsd?: string
  maxEvaluations?: number
  conditions: ConditionInput[]
  files: FileToSend[]
  repositories: GitToClone[]
  /** Watch this session instead of making one. */
  follow?: string
  /** Sends files into a session's workspace, or fetches from it, instead of making one. */
  transfer?: { sessionId: string; uploads: Upload[]; downloads: Download[] }
}

/** What is asked of sessions that are there, instead of making one. */
export type SessionQuestion = { url: string; key: string } & (
  | { rewind: string; axis: 'FILES' | 'CONVERSATION' | 'BOTH'; sessionId?: string }
  | { compare: [string, string] }
  | { diff: string; from?: string; to?: string }
)

/** A file, or a folder with all that is in it. */
export type Upload = { from: string; to: string }
export type Download = { from: string; to: string }

export const SESSION_HELP = `npm run session -- --agent A --prompt TEXT [options]      starts a session and shows its timeline
npm run session -- --follow ID                            shows a session's timeline from its start
npm run session -- --rewind CHECKPOINT [--axis AXIS]      takes a session back: files, conversation or both (the default)
npm run session -- --diff SESSION [--from C] [--to C]     what changed in its files: from the start to now, or between checkpoints
npm run session -- --compare SESSION SESSION              two sessions side by side, and what differs in their files
npm run session -- --upload LOCAL[:PATH] ID               puts a file or folder into a session's workspace
npm run session -- --download PATH[:LOCAL] ID             fetches a file, or a folder as PATH.tar.gz; goes on where it broke off

  --agent A          id or name
  --environment E    id or name; the newest one when left out
  --prompt TEXT      what to do
  --title TEXT
  --condition C      what must hold before it may complete; as often as you like:
                       "npm test"                     a command that must exit 0
                       command:npm test               the same
                       unchanged:test/**              files that must stay as they were (globs, comma-separated)
                       file:report.md                 a file that must exist
                       rubric:the report is polite    judged by a model
                     a name may stand before it: "tests pass=command:npm test"
  --budget USD       lifetime cap, such as 1.50
  --max-evaluations N
  --file TO=FROM     puts a local file into the workspace
  --session ID       with --rewind: a fork that goes back to a checkpoint it inherits
  --git URL[#REF]    clones a repository into the workspace (https)
  --url URL          the api; LONGHAUL_URL, or http://127.0.0.1:4000/graphql
  --key KEY          an api key; LONGHAUL_KEY, or the demo tenant's on this machine
`

/** Throws an Error whose message is for the person at the terminal. */
export function parseSessionOptions(
  args: string[],
  env: Record<string, string | undefined>,
  demoKey = '',
): SessionOptions | SessionQuestion | 'help' {
  const { values, positionals } = parseArgs({
    args,
    strict: true,
    allowPositionals: true,
    options: {
      rewind: { type: 'string' },
      axis: { type: 'string' },
      session: { type: 'string' },
      diff: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      compare: { type: 'string' },
      help: { type: 'boolean' },
      agent: { type: 'string' },
      environment: { type: 'string' },
      prompt: { type: 'string' },
      title: { type: 'string' },
      budget: { type: 'string' },
      'max-evaluations': { type: 'string' },
      condition: { type: 'string', multiple: true },
      file: { type: 'string', multiple: true },
      git: { type: 'string', multiple: true },
      follow: { type: 'string' },
      upload: { type: 'string', multiple: true },
      download: { type: 'string', multiple: true },
      url: { type: 'string' },
      key: { type: 'string' },
    },
  })
  if (values.help) return 'help'
  const key = values.key ?? env.LONGHAUL_KEY ?? demoKey
  if (!key) throw new Error('no api key: give --key or set LONGHAUL_KEY')
  const url = values.url ?? env.LONGHAUL_URL ?? `http://127.0.0.1:${env.PORT ?? '4000'}/graphql`
  const transfer = parseTransfer(values, positionals)
  if (!transfer && positionals.length !== (values.compare === undefined ? 0 : 1))
    throw new Error(
      `what is ${JSON.stringify(positionals.at(-1) ?? '')}? (--compare takes two sessions, --upload and --download one; everything else is an option)`,
    )
  if (values.rewind !== undefined)
    return { url, key, rewind: values.rewind, axis: parseAxis(values.axis ?? 'both'), sessionId: values.session }
  if (values.diff !== undefined) return { url, key, diff: values.diff, from: values.from, to: values.to }
  if (values.compare !== undefined) return { url, key, compare: [values.compare, positionals[0] ?? ''] }
  if (!values.follow && !transfer && !(values.agent && values.prompt))
    throw new Error('--agent and --prompt are needed (or --follow with a session id)')
  const rounds = values['max-evaluations']
  if (rounds !== undefined && !/^[1-9]\d*$/.test(rounds))
    throw new Error(`--max-evaluations: expected a whole number above 0, got "${rounds}"`)
  return {
    url,
    key,
    agent: values.agent,
    environment: values.environment,
    prompt: values.prompt,
    title: values.title,
    budgetUsd: values.budget,
    maxEvaluations: rounds === undefined ? undefined : Number(rounds),
    conditions: (values.condition ?? []).map(parseCondition),
    files: (values.file ?? []).map(parseFile),
    repositories: (values.git ?? []).map(parseGit),
    follow: values.follow,
    transfer,
  }
}

function parseTransfer(
  { upload = [], download = [] }: { upload?: string[]; download?: string[] },
  positionals: string[],
): SessionOptions['transfer'] {
  if (upload.length + download.length === 0) return undefined
  const [sessionId, ...more] = positionals
  if (!sessionId?.startsWith('ses_') || more.length > 0) throw new Error('--upload and --download need the id of one session after them')
  return {
    sessionId,
    uploads: upload.map((text) => toPair(text, '--upload')),
    downloads: download.map((text) => toPair(text, '--download')),
  }
}

/** `FROM:TO`, or `FROM` under its own name. */
function toPair(text: string, option: string): { from: string; to: string } {
  const at = text.lastIndexOf(':')
  const from = at === -1 ? text : text.slice(0, at)
  const to = at === -1 ? basename(from.replace(/\/+$/, '')) : text.slice(at + 1)
  if (from === '' || to === '') throw new Error(`${option}: expected FROM or FROM:TO, got "${text}"`)
  return { from, to }
}

/** `[name=]kind:value`, or just a command. */
export function parseCondition(text: string): ConditionInput {
  const match = /^(?:([^=:]+)=)?(command|unchanged|file|rubric):(.+)$/s.exec(text)
  const [, name, kind = 'command', value = ''] = match ?? [text, undefined, 'command', text]
  if (value.trim() === '') throw new Error('--condition: expected a command, or kind:value with kind command, unchanged, file or rubric')
  const paths = value.split(',').map((path) => path.trim())
  const specs: Record<string, Record<string, unknown>> = {
    command: { command: { run: value } },
    unchanged: { unchanged: { paths } },
    file: { file: { path: value, exists: true } },
    rubric: { rubric: { rubric: value } },
  }
  return { name: (name ?? value).trim().slice(0, 80), spec: specs[kind] ?? {} }
}

function parseAxis(text: string): 'FILES' | 'CONVERSATION' | 'BOTH' {
  const axis = text.toUpperCase()
  if (axis === 'FILES' || axis === 'CONVERSATION' || axis === 'BOTH') return axis
  throw new Error(`--axis: expected files, conversation or both, got "${text}"`)
}

function parseFile(text: string): FileToSend {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new Error(`--file: expected PATH_IN_WORKSPACE=LOCAL_FILE, got "${text}"`)
  return { path: text.slice(0, at), from: text.slice(at + 1) }
}

function parseGit(text: string): GitToClone {
  const [url = '', ref] = text.split('#')
  return { path: basename(url).replace(/\.git$/, ''), url, ref }
}
