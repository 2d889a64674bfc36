import { SnapshotCorruptError, SnapshotMissingError } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import { requireStore } from '@longhaul/core/src/checkpoints/store-marker.ts'
import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import { readUploads, type WaitingUpload } from '@longhaul/core/src/files/read-uploads.ts'
import { type CommandResult, RepeatedCallError, type Sandbox, SandboxUnavailableError } from '../sandboxes/sandbox.ts'
import type { Stretch } from '../turn/stretch.ts'
import { NO_PLACE, placeFileScript, placeFolderScript } from './place-script.ts'

/** To unpack and to rename what a person sent; a sandbox at its limits is slow. */
const PLACE_MS = 300_000
/** What is put in is never interrupted: it is short, and half of it would have to be told. */
const NEVER = new AbortController().signal

/**
 * Puts in what people sent and this sandbox does not have, in order, and gives the event that says so. Until that is written no tool
 * runs. Each goes under its own number of the log, so a crash between the two repeats nothing; a sandbox made from older files gets
 * again what they lack. `after`: the position of the files that a new sandbox was made from; null for the one that the log knows.
 */
export const placeUploads = async (
  stretch: Stretch,
  { sandbox, after }: { sandbox: Sandbox; after: number | null },
): Promise<NewEvent[]> => {
  const { parts, claim } = stretch
  const uploads = await readUploads(parts.db, { tenantId: claim.tenantId, sessionId: claim.session.id, after })
  const seqs: number[] = []
  const refused: { seq: number; reason: string }[] = []
  for (const upload of uploads) {
    const reason = await place(stretch, { sandbox, upload })
    if (reason === null) seqs.push(upload.seq)
    else refused.push({ seq: upload.seq, reason })
    await parts.atPoint('upload_placed')
  }
  if (uploads.length === 0) return []
  return [{ type: 'user.upload_placed', actor: 'platform', payload: { turnId: claim.turn.id, seqs, refused } }]
}

const CUT_OFF = 'the sandbox stopped while it was put in, and it may be there in part: it must be uploaded again'

const toReason = ({ exitCode, output, timedOut, restarted }: CommandResult): string | null => {
  if (timedOut || restarted) return CUT_OFF
  if (exitCode === 0) return null
  return exitCode === NO_PLACE ? output : `it could not be written (exit ${exitCode}): ${output.trim()}`
}

/** Why it is not in; null where it is. */
const place = async (stretch: Stretch, { sandbox, upload }: { sandbox: Sandbox; upload: WaitingUpload }): Promise<string | null> => {
  const call = { callNo: upload.seq, timeoutMs: PLACE_MS, maxOutputBytes: 2_000 }
  const before = await sandbox.inspectCall(call)
  if (before.state === 'done') return toReason(before.result)
  if (before.state === 'running') return toReason(await sandbox.awaitCall(call, NEVER))
  if (before.state === 'unknown') return CUT_OFF
  let lent: Awaited<ReturnType<Sandbox['lend']>>
  try {
    lent = await sandbox.lend(await stretch.parts.snapshots.get(upload.contentHash), upload.storedBytes)
  } catch (error) {
    if (!(error instanceof SnapshotMissingError || error instanceof SnapshotCorruptError)) throw error
    if (error instanceof SnapshotMissingError) await requireStore(stretch.parts)
    stretch.parts.logger.error({ err: error, sessionId: stretch.claim.session.id, seq: upload.seq }, 'the bytes of an upload are lost')
    return 'its stored bytes are lost: it must be uploaded again'
  }
  const at = { lent: lent.path, scratch: `${lent.scratch}/${upload.seq}` }
  const script = upload.kind === 'file' ? placeFileScript({ path: upload.path, ...at }) : placeFolderScript(at)
  try {
    return toReason(await sandbox.run({ ...call, script }, NEVER))
  } catch (error) {
    if (error instanceof RepeatedCallError) throw new SandboxUnavailableError('an upload is being put in already', { cause: error })
    throw error
  } finally {
    await lent.takeBack()
  }
}
