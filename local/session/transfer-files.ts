// Files in and out of a session's workspace, over HTTP.
import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ApiError } from './api-client.ts'
import type { Download, SessionOptions, Upload } from './parse-session-options.ts'

type Api = Pick<SessionOptions, 'url' | 'key'>

export async function transferFiles(
  api: Api,
  { sessionId, uploads, downloads }: NonNullable<SessionOptions['transfer']>,
  say: (text: string) => void,
) {
  for (const one of uploads) say(await upload(api, sessionId, one))
  for (const one of downloads) say(await download(api, sessionId, one))
}

async function upload(api: Api, sessionId: string, { from, to }: Upload): Promise<string> {
  const isFolder = (await stat(from)).isDirectory()
  // What is in the folder, not the folder: its name there is `to`.
  const bytes = isFolder ? packFolder(from) : createReadStream(from)
  const response = await ask(api, sessionId, `${to}${isFolder ? '?archive=tar.gz' : ''}`, {
    method: 'PUT',
    body: Readable.toWeb(bytes) as ReadableStream,
    duplex: 'half',
  } as RequestInit)
  const { path, files, sizeBytes, seq } = (await response.json()) as { path: string; files: number; sizeBytes: number; seq: number }
  return `/workspace/${path}: ${files} ${files === 1 ? 'file' : 'files'}, ${sizeBytes} bytes (event ${seq}); the agent has it before its next tool call`
}

function packFolder(folder: string): Readable {
  const tar = spawn('tar', ['-czf', '-', '-C', resolve(folder), '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  tar.on('close', (code) => {
    if (code !== 0) tar.stdout.destroy(new Error(`tar could not read ${folder}`))
  })
  return tar.stdout
}

/** Into `<to>.part` first. What an earlier attempt left there is gone on with, if the server still has the same bytes. */
async function download(api: Api, sessionId: string, { from, to }: Download): Promise<string> {
  try {
    return await fetchInto(api, sessionId, { at: from, to })
  } catch (error) {
    if (!(error instanceof ApiError && /is a folder/.test(error.message))) throw error
    return fetchInto(api, sessionId, { at: `${from}?archive=tar.gz`, to: `${to}.tar.gz` })
  }
}

async function fetchInto(api: Api, sessionId: string, { at, to }: { at: string; to: string }): Promise<string> {
  const [part, tag] = [`${to}.part`, `${to}.part.etag`]
  const etag = await readFile(tag, 'utf8').catch(() => null)
  const have =
    etag === null
      ? 0
      : await stat(part).then(
          ({ size }) => size,
          () => 0,
        )
  const response = await ask(api, sessionId, at, {
    headers: have > 0 && etag !== null ? { range: `bytes=${have}-`, 'if-range': etag } : {},
  })
  const goesOn = response.status === 206
  if (response.status !== 416) {
    await writeFile(tag, response.headers.get('etag') ?? '')
    await pipeline(
      response.body === null ? Readable.from([]) : Readable.fromWeb(response.body as never),
      createWriteStream(part, { flags: goesOn ? 'a' : 'w' }),
    )
  }
  await rename(part, to)
  await rm(tag, { force: true })
  const left = Number(response.headers.get('x-longhaul-left-out') ?? 0)
  const note = left > 0 ? `; ${left} links that lead out of it, or other special files, are left out` : ''
  return `${resolve(dirname(to), basename(to))}: ${(await stat(to)).size} bytes${goesOn ? `, from byte ${have} on` : ''}${note}`
}

async function ask({ url, key }: Api, sessionId: string, at: string, init: RequestInit): Promise<Response> {
  const [path = '', query = ''] = at.split('?')
  const names = path
    .replace(/^\/workspace(\/|$)/, '')
    .split('/')
    .filter((name) => name !== '' && name !== '.')
  const target = new URL(`/sessions/${sessionId}/files/${names.map(encodeURIComponent).join('/')}${query === '' ? '' : `?${query}`}`, url)
  const response = await fetch(target, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } })
  if (response.ok || response.status === 416) return response
  const { message, code } = (await response.json().catch(() => ({}))) as { message?: string; code?: string }
  throw new ApiError(message ?? `${target.pathname} answered ${response.status}`, code ?? 'INTERNAL')
}
