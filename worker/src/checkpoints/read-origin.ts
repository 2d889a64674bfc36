import path from 'node:path'
import type { Readable } from 'node:stream'
import { packArchive } from '@longhaul/core/src/archives/pack-archive.ts'
import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import { openSnapshot } from '@longhaul/core/src/checkpoints/open-snapshot.ts'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { findOrigin } from './find-origin.ts'

type Parts = Pick<TurnParts, 'db' | 'snapshots'> & { sandboxes: { provider: SandboxProvider } }

/** A tar of what lies at `at` (absolute, below /workspace) where a session without a sandbox will go on from, or where it was at a checkpoint, names relative to its parent; null where nothing does. */
export const readOrigin = async (
  parts: Parts,
  {
    tenantId,
    sessionId,
    path: at,
    checkpointId = null,
  }: { tenantId: string; sessionId: string; path: string; checkpointId?: string | null },
): Promise<Readable | null> => {
  const origin = await findOrigin(parts, { tenantId, sessionId, checkpointId })
  if (origin === null) return null
  const { images } = parts.sandboxes.provider
  if (origin.imageId !== null && images !== null) return images.read(origin.imageId, { tenantId, sessionId, path: at })
  if (origin.snapshotId === null) return null
  const snapshot = await openSnapshot(parts, { tenantId, snapshotId: origin.snapshotId })
  return cutArchive(await snapshot.open(), at.slice(1))
}

/** Of an archive of /workspace what lies at one path, as an engine would give it. Nothing: an empty archive. */
const cutArchive = (tar: Readable, wanted: string): Readable => {
  const above = path.posix.dirname(wanted)
  const strip = above === '.' ? 0 : above.length + 1
  return packArchive((out) =>
    walkArchive(tar, async (entry) => {
      const name = entry.header.name.replace(/\/+$/, '')
      if (name !== wanted && !name.startsWith(`${wanted}/`)) return
      const isFile = entry.header.type === 'file' || entry.header.type === 'contiguous-file'
      await out.write({ ...entry.header, name: name.slice(strip) }, isFile ? entry : undefined)
    }),
  )
}
