/**
 * Answers who looks into the files of sessions whose sandbox this engine holds. Reads from the engine, also of a stopped sandbox, or
 * from the checkpoint that a suspended one will be made from; wakes nothing.
 */
import type { Readable } from 'node:stream'
import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import { answerFileFetch, answerFileLook, type FileLook, takeFileLooks } from '@longhaul/core/src/files/answer-file-looks.ts'
import {
  type FetchOp,
  type FileEntry,
  type FileLookAnswer,
  MAX_ENTRIES,
  MAX_FILE_BYTES,
  toFileContent,
} from '@longhaul/core/src/files/file-look.ts'
import { cleanJson } from '@longhaul/core/src/text.ts'
import { readOrigin } from '../checkpoints/read-origin.ts'
import { createRest } from '../consumers/rest.ts'
import { SandboxLostError } from '../sandboxes/sandbox.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { compareWorkspaces } from './compare-workspaces.ts'
import { ElsewhereError, openSide, type Places } from './open-side.ts'
import { storeDownload } from './store-download.ts'

export type DownloadLimits = { maxBytes: number; keepMs: number }
const DOWNLOADS: DownloadLimits = { maxBytes: 4_294_967_296, keepMs: 900_000 }

/** Downloads that one worker prepares at once; each may read and write gigabytes. */
const MAX_FETCHES = 4

/** Looks at once when told, and every so often by itself: an announcement may be lost. */
export const startAnsweringLooks = (
  { db, sandboxes, snapshots, logger }: Pick<TurnParts, 'db' | 'sandboxes' | 'snapshots' | 'logger'>,
  { engineId, everyMs, downloads = DOWNLOADS }: { engineId: string; everyMs: number; downloads?: DownloadLimits | undefined },
): { lookNow(): void; stop(): Promise<void> } => {
  let running: Promise<void> | null = null
  let again = false
  const rest = createRest()
  const answering = new Set<Promise<void>>()
  const fetching = new Set<Promise<void>>()
  /** Nobody's look waits for another's: one folder is read in a moment, a comparison of two workspaces is not. */
  const answer = (look: FileLook): void => {
    const answered = answerLook({ db, sandboxes, snapshots }, look)
      .then((found) => answerFileLook(db, look, cleanJson(found).value as FileLookAnswer))
      .catch((error: unknown) => logger.warn({ err: error, sessionId: look.sessionId }, 'a look into files could not be answered'))
      .finally(() => answering.delete(answered))
    answering.add(answered)
  }
  const fetchNext = async (look: FileLook & { op: FetchOp }): Promise<void> => {
    while (fetching.size >= MAX_FETCHES) await Promise.race(fetching)
    const done = answerLook({ db, sandboxes, snapshots }, look, downloads)
      .then((found) => answerFileFetch(db, look, found, downloads))
      .catch((error: unknown) => logger.warn({ err: error, sessionId: look.sessionId }, 'a download could not be prepared'))
      .finally(() => fetching.delete(done))
    fetching.add(done)
  }
  const answerAll = async (): Promise<void> => {
    try {
      const looks = await takeFileLooks(db, engineId)
      rest.worked()
      for (const look of looks) {
        if (isFetch(look)) void fetchNext(look)
        else answer(look)
      }
    } catch (error) {
      rest.failed()
      logger.warn({ err: error }, 'looks into files could not be taken')
    }
  }
  const lookNow = (): void => {
    again = true
    running ??= (async () => {
      while (again) {
        again = false
        await answerAll()
      }
    })().finally(() => (running = null))
  }
  const timer = setInterval(() => {
    if (rest.isOver()) lookNow()
  }, everyMs)
  return {
    lookNow,
    stop: async () => {
      clearInterval(timer)
      await running
      await Promise.allSettled([...answering, ...fetching])
    },
  }
}

const isFetch = (look: FileLook): look is FileLook & { op: FetchOp } => look.op === 'fetch' || look.op === 'pack' || look.op === 'pack_gz'

export const answerLook = async (places: Places, look: FileLook, { maxBytes }: DownloadLimits = DOWNLOADS): Promise<FileLookAnswer> => {
  try {
    if (look.op === 'diff') return await inTurn(() => answerDiff(places, look))
    const tar = await readFiles(places, look)
    if (tar === null) return { problem: 'not_found' }
    if (isFetch(look)) return await storeDownload(places.snapshots, { tar, op: look.op, maxBytes })
    return look.op === 'list' ? await listFolder(tar, look.path) : await readFile(tar, look.path)
  } catch (error) {
    return { problem: error instanceof ElsewhereError ? 'elsewhere' : 'unreadable' } // gone meanwhile, or not what it was taken for
  }
}

/** Of the sandbox that the log knows; where that is gone, what the session will go on from. */
const readFiles = async (places: Places, look: Exclude<FileLook, { op: 'diff' }>): Promise<Readable | null> => {
  const { sessionId, sandboxId, checkpointId, engineId } = look
  const { provider } = places.sandboxes
  if (sandboxId === null || checkpointId !== null) return readOrigin(places, look)
  if (engineId !== (await provider.engineId())) throw new ElsewhereError() // it has moved since somebody asked
  return provider.readWorkspace({ sessionId, sandboxId }, look.path).catch((error: unknown) => {
    if (error instanceof SandboxLostError) return readOrigin(places, look)
    throw error
  })
}

const answerDiff = async (places: Places, { tenantId, against, ...look }: Extract<FileLook, { op: 'diff' }>): Promise<FileLookAnswer> => {
  const before = await openSide(places, { ...against, tenantId })
  const after = await openSide(places, { ...look, tenantId, start: false })
  return compareWorkspaces({ before, after }, against)
}

/** Two whole workspaces are read for each: one comparison at a time, beside the tools of running sessions. */
let last: Promise<unknown> = Promise.resolve()
const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
  const result = last.then(run)
  last = result.catch(() => {}) // whoever asked hears of it
  return result
}

/** The engine's tar holds all that lies below; entries of the folder itself are kept. */
const listFolder = async (tar: Readable, path: string): Promise<FileLookAnswer> => {
  const entries: FileEntry[] = []
  let isFolder = false
  await walkArchive(tar, async ({ header }) => {
    const [, ...names] = header.name.split('/').filter((part) => part !== '' && part !== '.')
    if (names.length === 0) isFolder ||= header.type === 'directory'
    const [name, ...deeper] = names
    if (name === undefined || deeper.length > 0 || entries.length >= MAX_ENTRIES) return
    entries.push({
      path: `${path}/${name}`,
      kind:
        header.type === 'directory'
          ? 'DIRECTORY'
          : header.type === 'symlink'
            ? 'LINK'
            : header.type === 'file' || header.type === 'link'
              ? 'FILE'
              : 'OTHER',
      sizeBytes: header.size ?? 0,
      mode: ((header.mode ?? 0) & 0o7777).toString(8).padStart(4, '0'),
      modifiedAt: (header.mtime ?? new Date(0)).toISOString(),
    })
  })
  if (!isFolder) return { problem: 'not_found' }
  return { entries: entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)) }
}

const readFile = async (tar: Readable, path: string): Promise<FileLookAnswer> => {
  let answer: FileLookAnswer = { problem: 'not_found' }
  await walkArchive(tar, async (entry) => {
    if (entry.header.type !== 'file') return 'stop'
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of entry) {
      if (bytes < MAX_FILE_BYTES) chunks.push((chunk as Buffer).subarray(0, MAX_FILE_BYTES - bytes))
      bytes += (chunk as Buffer).length
    }
    answer = { file: toFileContent(path, Buffer.concat(chunks), entry.header.size ?? bytes) }
    return 'stop'
  })
  return answer
}
