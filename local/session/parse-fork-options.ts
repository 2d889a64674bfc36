// The words of `npm run fork` as what they ask for.
import { parseArgs } from 'node:util'

export type ForkOptions = {
  url: string
  key: string
  /** A session, of which a checkpoint is taken, or a checkpoint. */
  from: string
  label?: string
  forks: { title: string; prompt: string; budgetUsd?: string }[]
}

export const FORK_HELP = `npm run fork -- FROM --prompt TEXT [--prompt TEXT …] [options]

Takes a checkpoint of a session, forks it once for each prompt, waits until all of them rest, and compares what came of them.

  FROM               a session's id, or a checkpoint's
  --prompt TEXT      what a fork is to do; once for each fork
  --budget USD       lifetime cap of each fork
  --label TEXT       of the checkpoint
  --url URL          the api; LONGHAUL_URL, or http://127.0.0.1:4000/graphql
  --key KEY          an api key; LONGHAUL_KEY, or the demo tenant's on this machine
`

const TITLE_LENGTH = 60

/** Throws an Error whose message is for the person at the terminal. */
export function parseForkOptions(args: string[], env: Record<string, string | undefined>, demoKey = ''): ForkOptions | 'help' {
  const { values, positionals } = parseArgs({
    args,
    strict: true,
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      prompt: { type: 'string', multiple: true },
      budget: { type: 'string' },
      label: { type: 'string' },
      url: { type: 'string' },
      key: { type: 'string' },
    },
  })
  if (values.help) return 'help'
  const key = values.key ?? env.LONGHAUL_KEY ?? demoKey
  if (!key) throw new Error('no api key: give --key or set LONGHAUL_KEY')
  const [from = '', ...more] = positionals
  if (!/^(ses|ckp)_/.test(from) || more.length > 0) throw new Error('expected one id, of a session (ses_…) or of a checkpoint (ckp_…)')
  const prompts = values.prompt ?? []
  if (prompts.length === 0) throw new Error('--prompt is needed, once for each fork')
  return {
    url: values.url ?? env.LONGHAUL_URL ?? `http://127.0.0.1:${env.PORT ?? '4000'}/graphql`,
    key,
    from,
    label: values.label,
    forks: prompts.map((prompt) => ({ title: toTitle(prompt), prompt, budgetUsd: values.budget })),
  }
}

function toTitle(prompt: string): string {
  const line = prompt.trim().split('\n')[0] ?? ''
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1)}…` : line
}
