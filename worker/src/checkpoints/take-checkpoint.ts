import { beginCheckpoint } from '@longhaul/core/src/checkpoints/begin-checkpoint.ts'
import type { CheckpointStart, KeptFiles, PlatformTrigger } from '@longhaul/core/src/checkpoints/checkpoint.ts'
import { findOpenCalls } from '@longhaul/core/src/checkpoints/find-open-calls.ts'
import { failCheckpoint, recordCheckpoint } from '@longhaul/core/src/checkpoints/record-checkpoint.ts'
import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import { readContext } from '@longhaul/core/src/log/read-events.ts'
import { keepAsking } from '../keep-asking.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { archiveCheckpoint } from './archive-checkpoint.ts'
import { keepFiles, SandboxGoneError } from './keep-files.ts'

export type TakingParts = Pick<TurnParts, 'db' | 'announcer' | 'snapshots' | 'sandboxes' | 'logger' | 'atPoint'>

export type Taking = {
  tenantId: string
  sessionId: string
  checkpointId: string
  begun: CheckpointStart
  /** Settles once `finish` has copied the files, or has given up: from then on a tool may change them. */
  filesKept: Promise<void>
  /** Keeps the files and makes the checkpoint whole; false where it could not be. Never throws. */
  finish(more?: (files: KeptFiles) => NewEvent[]): Promise<boolean>
}

/** Says where the log stands and fences the checkpoint there; null where somebody else takes it or a turn is at work. */
export const beginTaking = async (
  parts: TakingParts,
  of: {
    tenantId: string
    sessionId: string
    epoch: number | null
    workerId: string
    checkpoint: { id: string; trigger?: PlatformTrigger }
  },
): Promise<Taking | null> => {
  const { tenantId, sessionId, workerId, checkpoint } = of
  const giveBack = (problem: string, again: boolean) =>
    keepAsking(() => failCheckpoint(parts.db, { tenantId, checkpointId: checkpoint.id, workerId, problem, again }))
  const begun = await beginCheckpoint(parts.db, of).catch(async (error: unknown) => {
    // Only the answer may be lost: it would be this worker's, who knows nothing of it, for as long as he lives.
    await giveBack('its worker did not hear that it had it', true)
    throw error
  })
  if (begun.refused !== undefined) return null
  await parts.atPoint('checkpoint_begun')
  const { promise: filesKept, resolve: onKept } = Promise.withResolvers<void>()
  const taking = { tenantId, sessionId, checkpointId: checkpoint.id, begun }
  const finish: Taking['finish'] = (more = () => []) => finishTaking(parts, { ...taking, giveBack, onKept }, more).finally(onKept)
  return { ...taking, filesKept, finish }
}

type GiveBack = (problem: string, again: boolean) => Promise<string | null>

const finishTaking = async (
  parts: TakingParts,
  of: Omit<Taking, 'finish' | 'filesKept'> & { giveBack: GiveBack; onKept: () => void },
  more: (files: KeptFiles) => NewEvent[],
): Promise<boolean> => {
  const { tenantId, sessionId, checkpointId, begun, giveBack, onKept } = of
  // What was kept for it is nobody's then. Where this fails, the reaper finds it.
  const removeImage = async (): Promise<void> => {
    await parts.sandboxes.provider.images?.remove(checkpointId).catch((error: unknown) => {
      parts.logger.warn({ err: error, sessionId, checkpointId }, 'what was kept for a checkpoint could not be removed yet')
    })
  }
  const refuse = async (problem: string): Promise<false> => {
    // First, while nobody else may take it: what he keeps would bear the same name.
    await removeImage()
    await giveBack(problem, true)
    return false
  }
  try {
    const { epoch, seq, threadId, engineId: _, sandboxId, ...context } = begun
    const events = await readContext(parts.db, { tenantId, sessionId, threadId, fromSeq: context.contextFromSeq })
    const openCalls = findOpenCalls(events.filter((event) => event.seq <= seq))
    // It may run at this moment, without a claim: its worker left it to whoever comes next.
    if (openCalls.some(({ callSeq }) => callSeq !== null)) return await refuse('a tool call has no result yet')
    const files = await keepFiles(parts, { tenantId, sessionId, checkpointId }, { sandboxId })
    onKept()
    await parts.atPoint('checkpoint_saved')
    const taken = { epoch, seq, context: { ...context, openCalls }, ...files }
    const recorded = await recordCheckpoint(parts.db, { tenantId, checkpointId, taken, more: more(files) })
    if (recorded.refused !== undefined) return await refuse('the session went on while it was taken')
    parts.announcer.announceHead({ tenantId, sessionId, head: recorded.head })
    await parts.atPoint('checkpoint_whole')
    if (files.imageId !== null) void archiveCheckpoint(parts, { id: checkpointId, tenantId, sessionId, imageId: files.imageId })
    return true
  } catch (error) {
    parts.logger.warn({ err: error, sessionId, checkpointId }, 'a checkpoint could not be taken')
    const problem = error instanceof SandboxGoneError ? error.message : 'its files could not be kept'
    const state = await giveBack(problem, false).catch(() => 'taking') // with its worker's lease it is given back
    // The answer that it is whole may be what was lost: only what is said to have failed lets go of its files.
    if (state === 'failed') await removeImage()
    return state === 'whole'
  }
}
