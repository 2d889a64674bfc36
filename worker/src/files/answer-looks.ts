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
import type { SandboxProvider } from '../sandboxes/sandbox.ts'
import type { TurnParts } from '../turn/stretch.ts'
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
  const fetching = new Set<Promise<void>>()
  const fetchNext = async (look: FileLook): Promise<void> => {
    while (fetching.size >= MAX_FETCHES) await Promise.race(fetching)
    const done = answerLook({ db, sandboxes, snapshots }, look, downloads)
      .then((answer) => answerFileFetch(db, look, answer, downloads))
      .catch((error: unknown) => logger.warn({ err: error, sessionId: look.sessionId }, 'a download could not be prepared'))
      .finally(() => fetching.delete(done))
    fetching.add(done)
  }
  const answerAll = async (): Promise<void> => {
    try {
      const looks = await takeFileLooks(db, engineId)
      // Nobody who only looks waits for a download.
      for (const look of looks) if (isFetch(look.op)) void fetchNext(look)
      await Promise.all(
        looks
          .filter(({ op }) => !isFetch(op))
          .map(async (look) =>
            answerFileLook(db, look, cleanJson(await answerLook({ db, sandboxes, snapshots }, look)).value as FileLookAnswer),
          ),
      )
    } catch (error) {
      logger.warn({ err: error }, 'a look into files could not be answered')
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
  const timer = setInterval(lookNow, everyMs)
  return {
    lookNow,
    stop: async () => {
      clearInterval(timer)
      await running
      await Promise.allSettled(fetching)
    },
  }
}

type Places = Pick<TurnParts, 'db' | 'snapshots'> & { sandboxes: { provider: SandboxProvider } }

const isFetch = (op: FileLook['op']): op is FetchOp => op === 'fetch' || op === 'pack' || op === 'pack_gz'

export const answerLook = async (places: Places, look: FileLook, { maxBytes }: DownloadLimits = DOWNLOADS): Promise<FileLookAnswer> => {
  try {
    const { provider } = places.sandboxes
    const tar =
      look.sandboxId === null || look.atSeq !== null
        ? await readOrigin(places, look)
        : await provider.readWorkspace(look.sessionId, look.path)
    if (tar === null) return { problem: 'not_found' }
    if (isFetch(look.op)) return await storeDownload(places.snapshots, { tar, op: look.op, maxBytes })
    return look.op === 'list' ? await listFolder(tar, look.path) : await readFile(tar, look.path)
  } catch {
    return { problem: 'unreadable' } // gone meanwhile, or not what it was taken for
  }
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
