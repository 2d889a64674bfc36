const ROOT = '/workspace'

/** Where a path of the workspace is had over HTTP: each name percent-encoded, never the key. */
export const toFileAddress = (sessionId: string, path: string): string => {
  const names = toRelative(path).split('/').filter(Boolean).map(encodeURIComponent)
  return `/sessions/${sessionId}/files/${names.join('/')}`
}

/** Below the workspace, without a slash at either end; the workspace itself is ''. */
export const toRelative = (path: string): string => path.replace(new RegExp(`^${ROOT}(/|$)`), '').replace(/\/$/, '')
