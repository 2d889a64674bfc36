import { saveSnapshot } from '@longhaul/core/src/checkpoints/save-snapshot.ts'
import type { SnapshotStore } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import { readResources } from '@longhaul/core/src/sessions/read-resources.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { restoreWorkspace } from '../checkpoints/restore-workspace.ts'
import { GitCloneError } from '../sandboxes/git/git-source.ts'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'
import { type FillWorkspace, ResourcesFailedError } from '../sandboxes/sandbox-pool.ts'
import { WorkspaceArchiveError } from './archive-guard.ts'
import { prepareWorkspace } from './prepare-workspace.ts'
import { readBaseline, UntouchedBaselines } from './read-baseline.ts'

type Parts = { db: Database; snapshots: SnapshotStore; provider: SandboxProvider; logger: Logger }

/** What a checkpoint stored, where there is one; else the resources in, and the first time a snapshot of what that made: what UNCHANGED compares with, and protected paths go back to. */
export const createFillWorkspace = ({ db, snapshots, provider, logger }: Parts): FillWorkspace => {
  const untouched = new UntouchedBaselines()
  return async ({ claim, wishes }, { sandbox, madeFrom, origin }) => {
    const { tenantId, session } = claim
    if (origin !== null) {
      await restoreWorkspace({ db, snapshots, logger }, { tenantId, origin, sandbox })
      return { baselineSnapshotId: null }
    }
    const resources = await readResources(db, { tenantId, sessionId: session.id })
    try {
      await prepareWorkspace({ provider, sandbox, tenantId, sessionId: session.id, signal: wishes.lost }, resources)
    } catch (error) {
      if (!(error instanceof GitCloneError || error instanceof WorkspaceArchiveError)) throw error
      throw new ResourcesFailedError(error.message, { cause: error })
    }
    if (session.baselineSnapshotId !== null) return { baselineSnapshotId: null }
    // No agent has been here yet. Where nothing was put in either, every sandbox made from the same holds the same.
    const read = () => readBaseline(() => sandbox.getArchive('/workspace'))
    const { digest, tar } = await (resources.length === 0 ? untouched.of(madeFrom, read) : read())
    const { id } = await saveSnapshot({ db, snapshots }, { tenantId, sessionId: session.id, kind: 'baseline', digest, tar })
    return { baselineSnapshotId: id }
  }
}
