/**
 * Owns how a worker keeps and restores a session's files: checkpoints taken, archives stored, sandboxes made from them. Must never let
 * a checkpoint become whole before its files are, and never use one whose files are not those that were stored.
 */
import type { Readable } from 'node:stream'
import { PassThrough, pipeline } from 'node:stream'
import type { CheckpointStart, KeptFiles } from '@longhaul/core/src/checkpoints/checkpoint.ts'
import { saveSnapshot } from '@longhaul/core/src/checkpoints/save-snapshot.ts'
import { digestManifest } from '@longhaul/core/src/conditions/manifest.ts'
import { SandboxLostError } from '../sandboxes/sandbox.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { readManifest } from '../workspace/read-manifest.ts'

export type FileParts = Pick<TurnParts, 'db' | 'snapshots' | 'sandboxes'>

/** The sandbox that the log speaks of is not there: the next turn will find out, and say what was lost. */
export class SandboxGoneError extends Error {}

/**
 * Where the engine keeps images, the whole file system as one, in time that depends on what changed; its workspace is archived later.
 * Else the workspace's archive. Nothing where no sandbox has been made: the files are then those it will be made from.
 */
export const keepFiles = async (
  parts: FileParts,
  { tenantId, sessionId, checkpointId }: { tenantId: string; sessionId: string; checkpointId: string },
  { sandboxId }: Pick<CheckpointStart, 'sandboxId'>,
): Promise<KeptFiles> => {
  if (sandboxId === null) return { imageId: null, engineId: null, snapshotId: null }
  const { provider } = parts.sandboxes
  const engineId = await provider.engineId()
  if (provider.images !== null) {
    const saved = await provider.images.save({ tenantId, sessionId, checkpointId, sandboxId })
    if (saved === null) throw new SandboxGoneError(`the sandbox of session ${sessionId} is gone`)
    return { imageId: saved.imageId, engineId, snapshotId: null }
  }
  const tar = await provider.readWorkspace({ sessionId, sandboxId }, '/workspace').catch(nullIfLost)
  if (tar === null) throw new SandboxGoneError(`the sandbox of session ${sessionId} is gone`)
  return { imageId: null, engineId, snapshotId: await storeWorkspace(parts, { tenantId, sessionId, tar }) }
}

const nullIfLost = (error: unknown): null => {
  if (error instanceof SandboxLostError) return null
  throw error
}

/** Stores an archive of /workspace under its bytes, with the digest of its manifest, both from one reading. */
export const storeWorkspace = async (
  parts: Pick<FileParts, 'db' | 'snapshots'>,
  { tenantId, sessionId, tar }: { tenantId: string; sessionId: string; tar: Readable },
): Promise<string> => {
  const [bytes, entries] = [new PassThrough(), new PassThrough()]
  // A reader that gives up ends the other one too: half a snapshot is none.
  pipeline(tar, new Tee(entries), bytes, (error) => {
    if (error) entries.destroy(error)
  })
  entries.once('error', (error) => bytes.destroy(error))
  const digest = readManifest(entries).then(digestManifest)
  const { id } = await saveSnapshot(parts, { tenantId, sessionId, kind: 'checkpoint', digest, tar: bytes })
  return id
}

/** Passes on what it gets, to a second reader too, at the pace of the slower one. */
class Tee extends PassThrough {
  readonly #other: PassThrough

  constructor(other: PassThrough) {
    super()
    this.#other = other
  }

  override _transform(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null, chunk?: Buffer) => void): void {
    if (this.#other.write(chunk, encoding)) done(null, chunk)
    else this.#other.once('drain', () => done(null, chunk))
  }

  override _flush(done: () => void): void {
    this.#other.end(done)
  }
}
