import { badInput } from '../errors.ts'
import type { CoreParts } from '../sessions/change-session.ts'
import { readResources } from '../sessions/read-resources.ts'
import { askWorker } from './ask-worker.ts'
import { awaitLook } from './await-look.ts'
import { type FileLookAnswer, MAX_FILE_BYTES, toAbsoluteWorkspacePath, toFileContent } from './file-look.ts'

export type AskForFiles = {
  tenantId: string
  sessionId: string
  op: 'list' | 'read'
  path: string
  /** As they were then; now when left out. */
  checkpointId?: string | null
}

/**
 * One folder's entries, or one file, as they are now or were at a checkpoint. Null where there is no such path. Throws BAD_USER_INPUT for a path outside /workspace,
 * UNAVAILABLE when no worker of the session's engine answers. Before there is a sandbox or a
 * checkpoint to make one from, it is the resources that are seen.
 */
export const askForFiles = async (parts: CoreParts, look: AskForFiles): Promise<FileLookAnswer | null> => {
  const path = toAbsoluteWorkspacePath(look.path)
  if (path === null) throw badInput('path', 'a path below /workspace, without ..')
  const asked = await askWorker(parts, { ...look, path })
  if (asked === null) return lookAtResources(parts, { ...look, path })
  const answer = await awaitLook(parts, { ...look, id: asked.id })
  return 'problem' in answer ? null : answer
}

const lookAtResources = async (
  parts: CoreParts,
  { tenantId, sessionId, op, path }: { tenantId: string; sessionId: string; op: 'list' | 'read'; path: string },
): Promise<FileLookAnswer | null> => {
  const files = (await readResources(parts.db, { tenantId, sessionId })).flatMap((resource) =>
    resource.kind === 'FILE' ? [{ path: toAbsoluteWorkspacePath(resource.path) ?? '', content: resource.content }] : [],
  )
  if (op === 'read') {
    const file = files.findLast((candidate) => candidate.path === path)
    return file === undefined ? null : { file: toFileContent(path, file.content.subarray(0, MAX_FILE_BYTES), file.content.length) }
  }
  const modifiedAt = new Date(0).toISOString()
  const names = new Map<string, { path: string; kind: 'FILE' | 'DIRECTORY'; sizeBytes: number; mode: string; modifiedAt: string }>()
  for (const file of files) {
    if (!file.path.startsWith(`${path}/`)) continue
    const [name, ...deeper] = file.path.slice(path.length + 1).split('/')
    const entryPath = `${path}/${name}`
    names.set(
      entryPath,
      deeper.length > 0
        ? { path: entryPath, kind: 'DIRECTORY', sizeBytes: 0, mode: '0755', modifiedAt }
        : { path: entryPath, kind: 'FILE', sizeBytes: file.content.length, mode: '0644', modifiedAt },
    )
  }
  if (names.size === 0 && path !== '/workspace') return null
  return { entries: [...names.values()].sort((a, b) => (a.path < b.path ? -1 : 1)) }
}
