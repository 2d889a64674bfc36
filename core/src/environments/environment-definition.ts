/**
 * Owns environments: versioned definitions of where tools run. An update makes a new version; sessions keep theirs. Must never
 * change a version that exists, and never start anything.
 */
import { createHash } from 'node:crypto'
import { badInput } from '../errors.ts'

export type NetworkPolicy = 'NONE' | 'ALLOWLIST' | 'OPEN'
export type EnvironmentDefinition = {
  /** An image of the engine's, or "default": the platform's own, whichever this release builds. */
  image: string
  cpus: number
  memoryMb: number
  diskMb: number
  network: NetworkPolicy
  allowedHosts: string[]
  setupScript: string | null
  /** A sandbox without work for so long is stopped; null: the worker's setting says. */
  idleSeconds: number | null
  /** While processes run that the agent left in it, it is not, for up to so long after the last work. */
  keepAwakeSeconds: number
}

export const DEFAULT_ENVIRONMENT: EnvironmentDefinition = {
  image: 'default',
  cpus: 1,
  memoryMb: 1024,
  diskMb: 4096,
  network: 'NONE',
  allowedHosts: [],
  setupScript: null,
  idleSeconds: null,
  keepAwakeSeconds: 0,
}

/** A sandbox with nothing to do holds memory of the engine's that others wait for; one whose processes run may hold it for a day. */
const MAX_IDLE_SECONDS = 3_600
const MAX_KEEP_AWAKE_SECONDS = 86_400

const MAX_SCRIPT_BYTES = 64 * 1024

/** Source: the reference grammar of the OCI distribution specification, without upper-case names. */
const IMAGE = /^(?:[a-zA-Z0-9.-]+(?::\d{1,5})?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/

/**
 * What the platform keeps sessions' files in, by tag or by content: another tenant's, perhaps. The worker asks the image itself; this only
 * says so early.
 */
const KEPT = /^(?:sha256:[0-9a-f]+|[0-9a-f]{12,})$|(?:^|\/)longhaul-(?:checkpoint|setup)(?:[:@]|$)/

/** Throws BAD_USER_INPUT that names the field of the public input. */
export const checkEnvironmentDefinition = (
  definition: { [K in keyof EnvironmentDefinition]?: EnvironmentDefinition[K] | undefined },
): void => {
  const { image, cpus, memoryMb, diskMb, network, allowedHosts, setupScript } = definition
  if (image !== undefined && (image.length > 400 || !IMAGE.test(image) || KEPT.test(image)))
    throw badInput('input.image', 'an image such as debian:bookworm-slim, or default')
  checkSize(cpus, 'input.cpus', { min: 0.1, max: 64 })
  checkSize(memoryMb, 'input.memoryMb', { min: 64, max: 1_048_576 })
  checkSize(diskMb, 'input.diskMb', { min: 64, max: 4_194_304 })
  checkSize(definition.idleSeconds ?? undefined, 'input.idleSeconds', { min: 1, max: MAX_IDLE_SECONDS })
  checkSize(definition.keepAwakeSeconds, 'input.keepAwakeSeconds', { min: 0, max: MAX_KEEP_AWAKE_SECONDS })
  if (network !== undefined && network !== 'NONE')
    throw badInput('input.network', 'NONE: this release has no egress proxy, so nothing else can be granted')
  if (allowedHosts !== undefined && allowedHosts.length > 0) throw badInput('input.allowedHosts', 'empty while network is NONE')
  if (setupScript?.includes('\0') || setupScript?.isWellFormed() === false)
    throw badInput('input.setupScript', 'text without NUL and half characters')
  if (setupScript && Buffer.byteLength(setupScript) > MAX_SCRIPT_BYTES)
    throw badInput('input.setupScript', `at most ${MAX_SCRIPT_BYTES} bytes of UTF-8`)
}

const checkSize = (value: number | undefined, field: string, { min, max }: { min: number; max: number }): void => {
  if (value !== undefined && !(value >= min && value <= max)) throw badInput(field, `from ${min} to ${max}`)
}

/** What a set-up is made from, as one word: versions with the same one share what was built. Null without a script. The migration says the same. */
export const hashSetup = ({
  image,
  network,
  setupScript,
}: Pick<EnvironmentDefinition, 'image' | 'network' | 'setupScript'>): string | null =>
  setupScript === null ? null : createHash('sha256').update(`${image}\n${network}\n${setupScript}`).digest('hex')
