import type { Readable } from 'node:stream'
import { openSnapshot } from '@longhaul/core/src/checkpoints/open-snapshot.ts'
import { digestManifest, type Manifest } from '@longhaul/core/src/conditions/manifest.ts'
import type { Stretch } from '../turn/stretch.ts'
import { readManifest } from '../workspace/read-manifest.ts'

/** The workspace as it was when the resources were in. */
export type Baseline = { manifest: Manifest; open(): Promise<Readable> }

/** Without what things were like, nothing can be said about change, and nothing can be put back. */
export class BaselineError extends Error {}

/** Opens it when it is first needed, once for all conditions of a round. */
export const createBaselineOpener = (stretch: Stretch): (() => Promise<Baseline>) => {
  let opened: Promise<Baseline> | null = null
  return () => {
    opened ??= openBaseline(stretch)
    return opened
  }
}

const openBaseline = async ({ parts, claim }: Stretch): Promise<Baseline> => {
  const snapshotId = claim.session.baselineSnapshotId
  if (snapshotId === null) throw new BaselineError('no snapshot of the workspace was taken when the resources were put in')
  const snapshot = await openSnapshot(parts, { tenantId: claim.tenantId, snapshotId })
  const manifest = await readManifest(await snapshot.open())
  if (digestManifest(manifest) !== snapshot.digest)
    throw new BaselineError(`snapshot ${snapshotId} does not have the digest it was stored under`)
  return { manifest, open: snapshot.open }
}
