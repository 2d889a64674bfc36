/**
 * Owns what archives are taken from strangers, and how tars are walked and made. What goes on from here holds plain files, folders and
 * links among them, in a form of our own. Must never unpack anything on this machine.
 */
import { pipeline, type Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Header } from 'tar-stream'
import { badInput, PlatformError, TooLargeError } from '../errors.ts'
import { findFaultOfNames } from '../files/workspace-name.ts'
import { packArchive, type TarWriter } from './pack-archive.ts'
import { type Entry, walkArchive } from './walk-archive.ts'

export type ArchiveLimits = { maxBytes: number; maxEntries: number }
export type ReceivedArchive = { files: number; sizeBytes: number }

/** What a tar adds to an entry at most, as tools write them: headers, their extensions, padding. */
const OVERHEAD_BYTES = 4_096
/** Deflate can reach 1,030 to 1. What people pack stays far below; a bomb is stopped before it has cost much. */
const MAX_RATIO = 300
const RATIO_FROM_BYTES = 16 * 1024 * 1024

/**
 * A stranger's tar as one of ours, entries below `prefix`, folders before what lies in them. Fails with BAD_USER_INPUT, or TooLargeError,
 * at the first thing that a workspace should not be given; `received` says what it held once it was read to its end.
 */
export const receiveArchive = (
  bytes: Readable,
  { gzip, prefix, limits }: { gzip: boolean; prefix: readonly string[]; limits: ArchiveLimits },
): { tar: Readable; received: Promise<ReceivedArchive> } => {
  const { promise: received, resolve, reject } = Promise.withResolvers<ReceivedArchive>()
  received.catch(() => {}) // whoever reads the tar hears of it too
  let brokenOff: Error | null = null
  bytes.once('error', (error) => {
    brokenOff = error
  })
  const tar = packArchive(async (out) => {
    const intake = new Intake(out, { prefix, limits })
    try {
      await walkArchive(expand(bytes, { gzip, limits }), (entry) => intake.take(entry))
      resolve(intake.received)
    } catch (error) {
      const fault = brokenOff ?? toFault(error)
      reject(fault)
      throw fault
    }
  })
  return { tar, received }
}

/** What tar-stream and zlib say of bytes is about the bytes. */
const toFault = (error: unknown): unknown =>
  error instanceof PlatformError || !isAboutBytes(error)
    ? error
    : new PlatformError('BAD_USER_INPUT', 'The archive is broken, or not of the kind it was said to be.', {
        field: 'body',
        reason: 'a whole tar archive, or with archive=tar.gz one packed by gzip',
      })

const isAboutBytes = (error: unknown): boolean => {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return (
    String(code).startsWith('Z_') ||
    code === 'STREAM_DESTROYED' ||
    /^(Invalid|Header exceeds|Unexpected end)|pax|octal/i.test(String(message))
  )
}

const expand = (bytes: Readable, { gzip, limits }: { gzip: boolean; limits: ArchiveLimits }): Readable => {
  let packed = 0
  let expanded = 0
  const most = limits.maxBytes + limits.maxEntries * OVERHEAD_BYTES
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      expanded += chunk.length
      if (expanded > most) return done(tooLarge(limits))
      if (gzip && expanded > RATIO_FROM_BYTES && expanded > packed * MAX_RATIO)
        return done(badInput('body', `an archive that grows to at most ${MAX_RATIO} times its size`))
      done(null, chunk)
    },
  })
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      packed += chunk.length
      done(null, chunk)
    },
  })
  // Its error is the last stream's, which the walk reads; one that comes when the walk has given up is nobody's.
  const ignore = () => {}
  count.on('error', ignore)
  return gzip ? pipeline(bytes, watch, createGunzip(), count, ignore) : pipeline(bytes, watch, count, ignore)
}

const tooLarge = ({ maxBytes }: ArchiveLimits): TooLargeError =>
  new TooLargeError('body', `an archive of at most ${maxBytes} bytes, unpacked`)

type Kind = 'file' | 'directory' | 'link'

class Intake {
  readonly received: ReceivedArchive = { files: 0, sizeBytes: 0 }
  readonly #out: TarWriter
  readonly #prefix: readonly string[]
  readonly #limits: ArchiveLimits
  readonly #known = new Map<string, Kind>()
  /** Folders that only follow from what lies in them: an entry of their own may still come. */
  readonly #implied = new Set<string>()
  #entries = 0

  constructor(out: TarWriter, { prefix, limits }: { prefix: readonly string[]; limits: ArchiveLimits }) {
    this.#out = out
    this.#prefix = prefix
    this.#limits = limits
  }

  async take(entry: Entry): Promise<void> {
    const { header } = entry
    if (++this.#entries > this.#limits.maxEntries)
      throw new TooLargeError('body', `an archive of at most ${this.#limits.maxEntries} entries`)
    const names = this.#namesOf(header)
    const kind = kindOf(header)
    if (names.length === 0) {
      if (kind !== 'directory') throw refuse(header, 'has no name')
      return
    }
    const path = names.join('/')
    this.#claim(header, path, kind)
    await this.#makeFolders(names)
    const at = [...this.#prefix, ...names].join('/')
    const common = { name: at, mode: modeOf(header, kind), mtime: header.mtime ?? new Date(0) }
    if (kind === 'directory') {
      if (!this.#implied.delete(path)) await this.#out.write({ ...common, type: 'directory' })
    } else if (kind === 'link') {
      await this.#out.write({ ...common, ...this.#linkOf(header, names) })
    } else {
      this.received.files++
      this.received.sizeBytes += header.size ?? 0
      if (this.received.sizeBytes > this.#limits.maxBytes) throw tooLarge(this.#limits)
      await this.#out.write({ ...common, type: 'file', size: header.size ?? 0 }, entry)
    }
  }

  #namesOf(header: Header): string[] {
    const { name } = header
    if (name.startsWith('/')) throw refuse(header, 'has an absolute name')
    const names = name.split('/').filter((part) => part !== '' && part !== '.')
    const fault = findFaultOfNames(names) ?? findFaultOfNames([...this.#prefix, ...names])
    if (fault !== null) throw refuse(header, `has a name that is not allowed: it must be ${fault}`)
    return names
  }

  /** Each name once, and nothing below what is no folder: a link that came earlier would decide where it lands. */
  #claim(header: Header, path: string, kind: Kind): void {
    const known = this.#known.get(path)
    if (known !== undefined && !(kind === 'directory' && this.#implied.has(path))) throw refuse(header, 'is there twice')
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const above = this.#known.get(path.slice(0, at))
      if (above !== undefined && above !== 'directory') throw refuse(header, `lies below a ${above}`)
    }
    this.#known.set(path, kind)
  }

  /** The folders it lies in that no entry has made. */
  async #makeFolders(names: readonly string[]): Promise<void> {
    for (let depth = 1 - this.#prefix.length; depth < names.length; depth++) {
      const path = depth <= 0 ? `/${depth}` : names.slice(0, depth).join('/')
      if (this.#known.has(path)) continue
      if (++this.#entries > this.#limits.maxEntries)
        throw new TooLargeError('body', `an archive of at most ${this.#limits.maxEntries} entries`)
      this.#known.set(path, 'directory')
      if (depth > 0) this.#implied.add(path)
      const at = [...this.#prefix, ...names].slice(0, this.#prefix.length + depth).join('/')
      await this.#out.write({ name: at, type: 'directory', mode: 0o755, mtime: new Date(0) })
    }
  }

  /**
   * A symbolic link leads to something in the archive's own folder: up first, then down, and never through another link's back. A hard
   * one to a file that came before.
   */
  #linkOf(header: Header, names: readonly string[]): { type: 'symlink' | 'link'; linkname: string } {
    const linkname = header.linkname ?? ''
    const parts = linkname.split('/').filter((part) => part !== '' && part !== '.')
    if (linkname === '' || linkname.startsWith('/')) throw refuse(header, 'is a link to an absolute path')
    if (header.type === 'link') {
      if (this.#known.get(parts.join('/')) !== 'file') throw refuse(header, 'is a hard link to what is no earlier file of the archive')
      return { type: 'link', linkname: [...this.#prefix, ...parts].join('/') }
    }
    const ups = parts.findIndex((part) => part !== '..')
    const up = ups === -1 ? parts.length : ups
    const down = parts.slice(up)
    if (up > names.length - 1 || down.includes('..') || findFaultOfNames(down) !== null)
      throw refuse(header, 'is a link that leads out of the archive')
    return { type: 'symlink', linkname }
  }
}

const kindOf = (header: Header): Kind => {
  const { type, pax } = header
  // Other tools would read other bytes than we do.
  if (pax && Object.keys(pax).some((key) => key === 'size' || /^GNU\.sparse|realsize/.test(key)))
    throw refuse(header, 'is sparse, or has its size elsewhere')
  if (type === 'file' || type === 'contiguous-file') return 'file'
  if (type === 'directory') return 'directory'
  if (type === 'symlink' || type === 'link') return 'link'
  throw refuse(header, `is a ${type ?? 'thing of an unknown kind'}`)
}

/** Nothing is set-user-id, and its owner can always read and remove what was put in. */
const modeOf = ({ mode = 0o644 }: Header, kind: Kind): number => (mode & 0o777) | (kind === 'directory' ? 0o700 : 0o600)

const refuse = ({ name }: Header, what: string): PlatformError => {
  const reason = 'an archive of plain files, folders and links among them'
  return new PlatformError('BAD_USER_INPUT', `The archive is refused: its entry ${JSON.stringify(name.slice(0, 200))} ${what}.`, {
    field: 'body',
    reason,
  })
}
