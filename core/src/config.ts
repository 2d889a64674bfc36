/**
 * Every setting of every process, read from the environment in this one place and checked before anything is opened. A wrong
 * setting ends the process with a sentence that names the variable. Nothing else may read process.env for behaviour.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { parseSnapshotUrl } from './checkpoints/parse-snapshot-url.ts'

const isWholeNumber = (min: number, max: number) => (text: string) => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max

const wholeNumber = (fallback: number, min: number, max: number) =>
  z.string().default(String(fallback)).refine(isWholeNumber(min, max), `must be a whole number from ${min} to ${max}`).transform(Number)

const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must be a URL that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`,
    )

const flag = z
  .enum(['0', '1', 'false', 'true'], { error: 'must be 1 or 0' })
  .default('0')
  .transform((text) => text === '1' || text === 'true')

const isHost = (name: string): boolean => isIP(name) !== 0 || /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:\d{1,5})?$/.test(name)

const isLoopback = (name: string): boolean => name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)

const refuseSnapshotUrl = (text: string, context: z.RefinementCtx): void => {
  try {
    parseSnapshotUrl(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
  }
}

const hosts = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )
  .refine((names) => names.every(isHost), 'must be host names or addresses, separated by commas')

const settings = z
  .object({
    NODE_ENV: z.string().default('development'),
    /** Where the api listens. */
    HOST: z.string().refine(isHost, 'must be an address or host name').default('127.0.0.1'),
    PORT: wholeNumber(4000, 0, 65535),
    /** The application's login; a direct connection or a session pooler, never a transaction pooler. */
    DATABASE_URL: url('postgres:', 'postgresql:'),
    /** The role that owns and migrates; DATABASE_URL's own when left out. */
    MIGRATE_DATABASE_URL: url('postgres:', 'postgresql:').optional(),
    /** Wakes and announcements go through it; through Postgres when left out. */
    REDIS_URL: url('redis:', 'rediss:').optional(),
    /** Before every key and channel on Redis: installations that share one need one each, or they hear and run each other's. */
    REDIS_PREFIX: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
      .default('longhaul'),
    /** A folder that all workers share, or a bucket; snapshots lie under DATA_DIR when left out. */
    SNAPSHOT_URL: z.string().superRefine(refuseSnapshotUrl).optional(),
    DATA_DIR: z.string().default('.longhaul'),
    OPERATOR_KEY: z.string().min(16, 'must be at least 16 characters').max(500, 'must be at most 500 characters').optional(),
    ANTHROPIC_API_KEY: z.string().min(1).optional(),
    ANTHROPIC_BASE_URL: url('https:', 'http:').optional(),
    SANDBOX: z.enum(['docker', 'process'], { error: 'must be docker or process' }).default('docker'),
    /** Lets `process` sandboxes run without another user beside a real model key or an external database. */
    SANDBOX_UNSAFE: flag,
    /** No ssh: the attached channel that tool calls go through needs a socket or TCP; a tunnel of one's own gives either. */
    DOCKER_HOST: url('unix:', 'tcp:', 'http:', 'https:').optional(),
    /** Turns that one worker advances at once. */
    WORKER_CONCURRENCY: wholeNumber(256, 1, 10_000),
    LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
        error: 'must be fatal, error, warn, info, debug, trace or silent',
      })
      .default('info'),
    /** Where /metrics listens; nowhere when left out. */
    METRICS_PORT: z.string().refine(isWholeNumber(0, 65535), 'must be a whole number from 0 to 65535').transform(Number).optional(),
    METRICS_HOST: z.string().refine(isHost, 'must be an address or host name').default('127.0.0.1'),
    /** What a scraper sends as its bearer. */
    METRICS_TOKEN: z.string().min(16, 'must be at least 16 characters').optional(),
    /** Hosts inside private networks that repositories may be cloned from. */
    GIT_ALLOWED_PRIVATE_HOSTS: hosts,
    /** Certificates that git trusts beside the system's. */
    GIT_CA_FILE: z.string().optional(),
    /** A worker whose lease was not renewed for so long is dead: its turns go to others. */
    LEASE_MS: wholeNumber(6_000, 200, 600_000),
    LEASE_RENEW_MS: wholeNumber(1_500, 50, 300_000),
    /** How often each worker looks for turns that should run and do not. */
    SWEEP_MS: wholeNumber(1_000, 50, 60_000),
    /** How often each worker looks through its engine: for what nobody owns any more, and for stopped sandboxes that are to become images. */
    REAP_MS: wholeNumber(30_000, 100, 3_600_000),
    /** A session that has work and whose engine has had no worker for so long goes on at another engine. */
    MOVE_AFTER_MS: wholeNumber(15_000, 100, 86_400_000),
    /** A sandbox without work for so long rests: frozen or stopped; its files stay. */
    SANDBOX_IDLE_MS: wholeNumber(60_000, 100, 86_400_000),
    /** So many of an engine's resting sandboxes are frozen with their memory, the rest stopped. */
    SANDBOX_PAUSED_MAX: wholeNumber(4, 0, 10_000),
    /** Sandboxes kept ready for new sessions: so many of each image and size, so many of an engine; a kind unused for so long has none. */
    SANDBOX_WARM: wholeNumber(1, 0, 100),
    SANDBOX_WARM_MAX: wholeNumber(4, 0, 10_000),
    SANDBOX_WARM_KEEP_MS: wholeNumber(1_800_000, 100, 604_800_000),
    /** A resting one without work for so long becomes an image, from which the next tool call makes it again. */
    SANDBOX_SUSPEND_MS: wholeNumber(600_000, 100, 604_800_000),
    /** An environment's set-up script is ended after so long, or when it has written so much. */
    SETUP_TIMEOUT_MS: wholeNumber(600_000, 1_000, 86_400_000),
    SETUP_MAX_MB: wholeNumber(4_096, 1, 1_048_576),
    /** Checkpoints of a session at work: after so many calls that may have changed files (0: none), or so long, but never two within the last. */
    CHECKPOINT_EVERY_CALLS: wholeNumber(10, 0, 100_000),
    CHECKPOINT_EVERY_MS: wholeNumber(600_000, 1_000, 86_400_000),
    CHECKPOINT_MIN_MS: wholeNumber(60_000, 0, 86_400_000),
    /** The platform's own sandbox image: what an environment gets that names none. */
    SANDBOX_IMAGE: z.string().min(1).default('longhaul-sandbox:latest'),
    /** People's files: one file, or what an archive holds unpacked; entries of an archive; what one download may be. */
    UPLOAD_MAX_MB: wholeNumber(1_024, 1, 1_000_000),
    ARCHIVE_MAX_ENTRIES: wholeNumber(100_000, 1, 10_000_000),
    DOWNLOAD_MAX_MB: wholeNumber(4_096, 1, 1_000_000),
    /** Of one tenant: uploads in pieces that are not whole, and bodies on their way at one api process. */
    OPEN_UPLOADS_MAX: wholeNumber(50, 1, 100_000),
    TRANSFERS_MAX: wholeNumber(16, 1, 100_000),
    /** An upload in pieces that was not gone on with for so long is forgotten, and so is what was stored for a download. */
    UPLOAD_KEEP_MS: wholeNumber(86_400_000, 1_000, 604_800_000),
    DOWNLOAD_KEEP_MS: wholeNumber(900_000, 1_000, 86_400_000),
    /** A stopping worker lets its turns go on for so long before it hands them over. */
    DRAIN_MS: wholeNumber(20_000, 0, 3_600_000),
    /** A model that says nothing for so long has stalled. */
    MODEL_STALL_MS: wholeNumber(120_000, 100, 3_600_000),
    /** Failed attempts at one model call or check before the session is paused, and the first back-off between them. */
    MAX_RETRIES: wholeNumber(8, 0, 100),
    RETRY_BASE_MS: wholeNumber(1_000, 1, 600_000),
  })
  .superRefine((all, context) => {
    const refuse = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message })
    if (all.METRICS_PORT !== undefined && all.METRICS_TOKEN === undefined && !isLoopback(all.METRICS_HOST))
      refuse('METRICS_TOKEN', 'must be set where METRICS_HOST is not loopback')
    if (all.LEASE_RENEW_MS * 2 > all.LEASE_MS) refuse('LEASE_RENEW_MS', `must be at most half of LEASE_MS (${all.LEASE_MS})`)
    if (all.SANDBOX === 'process' && all.NODE_ENV === 'production')
      refuse('SANDBOX', 'must be docker when NODE_ENV is production: process sandboxes do not isolate')
  })

/** Every variable that is read, for checks of what sets them. */
export const settingNames = (): string[] => Object.keys(settings.shape)

type Settings = z.infer<typeof settings>
type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<S>

/** Settings under camel-case names: `LEASE_RENEW_MS` is `leaseRenewMs`. */
export type Config = { [K in keyof Settings as CamelCase<K & string>]: Settings[K] }

export class ConfigError extends Error {}

/** Throws a ConfigError that names every variable that is wrong, and what it must be. An empty variable counts as left out. */
export const parseConfig = (environment: Record<string, string | undefined>): Config => {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = settings.safeParse(given)
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => describeIssue(given, issue)).join('\n'))
  return Object.fromEntries(Object.entries(parsed.data).map(([name, value]) => [toCamelCase(name), value])) as Config
}

/** For a process's first line: says what is wrong and exits 1 before anything is opened. */
export const readConfigOrExit = (): Config => {
  try {
    return parseConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

const toCamelCase = (name: string): string => name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Names the variable, never its value: it may be a secret. */
const describeIssue = (given: Record<string, string | undefined>, issue: z.core.$ZodIssue): string => {
  const name = String(issue.path[0])
  return given[name] === undefined && issue.code === 'invalid_type'
    ? `${name} is missing: set it in the environment.`
    : `${name} ${issue.message}.`
}
