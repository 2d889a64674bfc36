import type { Readable } from 'node:stream'
import { packArchive } from '@longhaul/core/src/archives/pack-archive.ts'
import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import { openSnapshot } from '@longhaul/core/src/checkpoints/open-snapshot.ts'
import { condemnCheckpoint } from '@longhaul/core/src/checkpoints/restore-points.ts'
import { SnapshotCorruptError, SnapshotMissingError } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import { requireStore } from '@longhaul/core/src/checkpoints/store-marker.ts'
import { digestManifest } from '@longhaul/core/src/conditions/manifest.ts'
import { type Sandbox, SandboxUnavailableError } from '../sandboxes/sandbox.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { ArchiveGuard, WorkspaceArchiveError } from '../workspace/archive-guard.ts'
import { readManifest } from '../workspace/read-manifest.ts'
import type { Origin } from './find-origin.ts'

/**
 * Puts a checkpoint's archive into a new sandbox, and reads back whether it is what was stored. A checkpoint that fails is never used
 * again: SandboxUnavailableError, and the next attempt begins with the one before it. Where the store itself is not there, ForeignStoreError: it
 * is no checkpoint's fault.
 */
export const restoreWorkspace = async (
  parts: Pick<TurnParts, 'db' | 'snapshots' | 'logger'>,
  { tenantId, origin, sandbox }: { tenantId: string; origin: Origin; sandbox: Sandbox },
): Promise<void> => {
  const { checkpointId, snapshotId } = origin
  if (snapshotId === null) throw new Error(`checkpoint ${checkpointId} has no archive`)
  try {
    const snapshot = await openSnapshot(parts, { tenantId, snapshotId })
    await unpack(sandbox, await snapshot.open())
    const digest = digestManifest(await readManifest(await sandbox.getArchive('/workspace')))
    if (digest !== snapshot.digest) throw new WorkspaceArchiveError('what was restored does not have the digest it was stored under')
  } catch (error) {
    if (!isBroken(error)) throw error
    if (error instanceof SnapshotMissingError) await requireStore(parts)
    parts.logger.error({ err: error, checkpointId }, 'a checkpoint can not be restored: the one before it is used')
    await condemnCheckpoint(parts.db, { tenantId, checkpointId, problem: error.message })
    throw new SandboxUnavailableError(`Checkpoint ${checkpointId} can't be restored: the one before it is used.`, { cause: error })
  }
}

const isBroken = (error: unknown): error is Error =>
  error instanceof SnapshotCorruptError || error instanceof SnapshotMissingError || error instanceof WorkspaceArchiveError

/** Everything belongs to this sandbox's agent, whoever it was stored by, and lands below /workspace or not at all. */
const unpack = async (sandbox: Sandbox, stored: Readable): Promise<void> => {
  let failure: Error | null = null
  const tar = packArchive(async (out) => {
    const guard = new ArchiveGuard()
    await walkArchive(stored, async (entry) => {
      const path = guard.check(entry.header, 1)
      const { type, size, mode, mtime, linkname } = entry.header
      if (path === '' || !['file', 'contiguous-file', 'directory', 'symlink', 'link'].includes(type)) return
      // Hard links name their target from the archive's root.
      const target = type === 'link' ? (linkname ?? '').split('/').slice(1).join('/') : linkname
      const header = { name: path, type, size, mode, mtime, ...sandbox.owner, ...(target == null ? {} : { linkname: target }) }
      await out.write(header, type === 'file' || type === 'contiguous-file' ? entry : undefined)
    })
  })
  tar.once('error', (error) => {
    failure = error
  })
  try {
    await sandbox.putArchive('/workspace', tar)
  } catch (error) {
    // The engine only knows that its input broke off.
    throw failure ?? error
  }
  if (failure) throw failure
}
