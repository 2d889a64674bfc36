import type { Readable } from 'node:stream'
import { openSnapshot } from '@longhaul/core/src/checkpoints/open-snapshot.ts'
import { readRestorePoints } from '@longhaul/core/src/checkpoints/restore-points.ts'
import type { FilesAt } from '@longhaul/core/src/files/answer-file-looks.ts'
import { findOrigin } from '../checkpoints/find-origin.ts'
import { SandboxLostError, type SandboxProvider } from '../sandboxes/sandbox.ts'
import type { TurnParts } from '../turn/stretch.ts'

export type Places = Pick<TurnParts, 'db' | 'snapshots'> & { sandboxes: { provider: SandboxProvider } }

/** One workspace, to be read as often as one likes: a tar below `workspace/`. `key`: names what never changes; null for what may. */
export type Side = { key: string | null; open(): Promise<Readable> }

/** The files are where this worker can't read them. */
export class ElsewhereError extends Error {}

/** Null: an empty workspace, that nothing was ever put into. Wakes nothing. */
export const openSide = async (
  places: Places,
  { tenantId, start, ...files }: FilesAt & { tenantId: string; start: boolean },
): Promise<Side | null> => {
  const { provider } = places.sandboxes
  if (start) return openBaseline(places, tenantId, files.baselineSnapshotId)
  const openKept = async () =>
    (await openOrigin(places, { ...files, tenantId })) ?? openBaseline(places, tenantId, files.baselineSnapshotId)
  const { sessionId, sandboxId } = files
  if (files.checkpointId !== null || sandboxId === null) return openKept()
  if (files.engineId !== (await provider.engineId())) throw new ElsewhereError()
  const open = async (): Promise<Readable> => {
    try {
      return orGone(await provider.readWorkspace({ sessionId, sandboxId }, '/workspace'))
    } catch (error) {
      // Of the sandbox that the log knows, or what the session will go on from; never of another one.
      if (!(error instanceof SandboxLostError)) throw error
      return orGone((await (await openKept())?.open()) ?? null)
    }
  }
  return { key: null, open }
}

const openBaseline = (places: Places, tenantId: string, snapshotId: string | null): Side | null =>
  snapshotId === null ? null : openStored(places, tenantId, snapshotId)

const openStored = (places: Places, tenantId: string, snapshotId: string): Side => ({
  key: snapshotId,
  open: async () => (await openSnapshot(places, { tenantId, snapshotId })).open(),
})

const openOrigin = async (
  places: Places,
  of: { tenantId: string; sessionId: string; checkpointId: string | null },
): Promise<Side | null> => {
  const [newest] = await readRestorePoints(places.db, of)
  if (newest === undefined) return null
  const origin = await findOrigin(places, of)
  // What a sandbox would be made from for want of better is not what was asked for.
  if (origin?.checkpointId !== newest.id) throw new ElsewhereError()
  const { imageId, snapshotId } = origin
  const { images } = places.sandboxes.provider
  if (imageId !== null && images !== null)
    return { key: imageId, open: async () => orGone(await images.read(imageId, { ...of, path: '/workspace' })) }
  return snapshotId === null ? null : openStored(places, of.tenantId, snapshotId)
}

const orGone = (tar: Readable | null): Readable => {
  if (tar === null) throw new Error('its files are gone')
  return tar
}
