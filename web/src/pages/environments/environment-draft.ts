// pages/environments owns where tools run: environments, their versions, and the forms that make and change them. It must never
// write a version that exists: a change is a new one.
import { formatDuration } from '../../components/format.ts'
import type {
  CreateEnvironmentInput,
  EnvironmentDefinitionFragment,
  NetworkPolicy,
  UpdateEnvironmentInput,
} from '../../generated/graphql.ts'

/** A form's state: texts as typed. */
export type EnvironmentDraft = {
  name: string
  image: string
  cpus: string
  memoryMb: string
  diskMb: string
  network: NetworkPolicy
  /** One a line. */
  allowedHosts: string
  setupScript: string
  /** Empty: the platform's. */
  idleSeconds: string
  keepAwakeSeconds: string
}

/** What the API takes where nothing is given, shown so that nobody has to guess. */
export const EMPTY_DRAFT: EnvironmentDraft = {
  name: '',
  image: 'default',
  cpus: '1',
  memoryMb: '1024',
  diskMb: '4096',
  network: 'NONE',
  allowedHosts: '',
  setupScript: '',
  idleSeconds: '',
  keepAwakeSeconds: '0',
}

export const toDraft = (name: string, version: EnvironmentDefinitionFragment): EnvironmentDraft => ({
  name,
  image: version.image,
  cpus: String(version.cpus),
  memoryMb: String(version.memoryMb),
  diskMb: String(version.diskMb),
  network: version.network,
  allowedHosts: version.allowedHosts.join('\n'),
  setupScript: version.setupScript ?? '',
  idleSeconds: version.idleSeconds === null ? '' : String(version.idleSeconds),
  keepAwakeSeconds: String(version.keepAwakeSeconds),
})

const toHosts = (text: string): string[] =>
  text
    .split(/[\s,]+/)
    .map((host) => host.trim())
    .filter(Boolean)

export const toCreateInput = (draft: EnvironmentDraft): CreateEnvironmentInput => ({
  name: draft.name.trim(),
  image: draft.image.trim(),
  cpus: Number(draft.cpus),
  memoryMb: Number(draft.memoryMb),
  diskMb: Number(draft.diskMb),
  network: draft.network,
  // Hosts of another policy are no longer meant.
  allowedHosts: draft.network === 'ALLOWLIST' ? toHosts(draft.allowedHosts) : [],
  setupScript: draft.setupScript.trim() === '' ? null : draft.setupScript,
  idleSeconds: draft.idleSeconds.trim() === '' ? null : Number(draft.idleSeconds),
  keepAwakeSeconds: Number(draft.keepAwakeSeconds),
})

type Changes = Omit<UpdateEnvironmentInput, 'id' | 'expectedVersion'>

/** Only what differs: what is left out stays. Nothing differs: null, as there would be nothing to make a version of. */
export const toChanges = (draft: EnvironmentDraft, before: EnvironmentDraft): Changes | null => {
  const known = new Map(Object.entries(toCreateInput(before)))
  const changes = Object.entries(toCreateInput(draft)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(known.get(name)))
  return changes.length === 0 ? null : Object.fromEntries(changes)
}

const WORDS: Record<keyof Changes, string> = {
  name: 'name',
  image: 'image',
  cpus: 'CPUs',
  memoryMb: 'memory',
  diskMb: 'disk',
  network: 'network',
  allowedHosts: 'hosts',
  setupScript: 'set-up script',
  idleSeconds: 'idle time',
  keepAwakeSeconds: 'time kept awake',
}

/** In which of its parts a version differs from the one before it, in words. */
export const toDifferences = (version: EnvironmentDefinitionFragment, before: EnvironmentDefinitionFragment): string[] =>
  Object.keys(toChanges(toDraft('', version), toDraft('', before)) ?? {}).map((name) => WORDS[name as keyof Changes])

/** `1 CPU · 1 GB · 4 GB disk` */
export const toSizeWords = ({ cpus, memoryMb, diskMb }: Pick<EnvironmentDefinitionFragment, 'cpus' | 'memoryMb' | 'diskMb'>): string =>
  `${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'} · ${toGb(memoryMb)} · ${toGb(diskMb)} disk`

/** `stopped after 5 min 0 s; running processes keep it awake for up to 1 h 0 min` */
export const toIdleWords = ({
  idleSeconds,
  keepAwakeSeconds,
}: Pick<EnvironmentDefinitionFragment, 'idleSeconds' | 'keepAwakeSeconds'>): string => {
  const stopped = `stopped after ${idleSeconds === null ? 'the platform’s time' : formatDuration(idleSeconds * 1_000)}`
  return keepAwakeSeconds === 0
    ? stopped
    : `${stopped}; running processes keep it awake for up to ${formatDuration(keepAwakeSeconds * 1_000)}`
}

const toGb = (mb: number): string => (mb < 1_024 ? `${mb} MB` : `${Number((mb / 1_024).toFixed(1))} GB`)
