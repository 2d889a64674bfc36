import { fileURLToPath } from 'node:url'

export type S3Place = { bucket: string; prefix: string; endpoint: string | null; region: string | null }
export type SnapshotPlace = { kind: 'directory'; path: string } | ({ kind: 's3' } & S3Place)

/** `file:///…`, or `s3://bucket/prefix?endpoint=https://…&region=…`. Throws an Error that says what it must be. */
export const parseSnapshotUrl = (text: string): SnapshotPlace => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'file:') return { kind: 'directory', path: fileURLToPath(url) }
  if (url?.protocol !== 's3:') throw new Error('must be a URL that begins with file:// or s3://')
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.host)) throw new Error('must name a bucket: s3://bucket/prefix')
  if (url.username !== '' || url.password !== '')
    throw new Error(
      'must hold no credentials: they are taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or where the SDK looks else',
    )
  for (const name of url.searchParams.keys())
    if (name !== 'endpoint' && name !== 'region') throw new Error(`must have no parameter but endpoint and region, and has ${name}`)
  const endpoint = url.searchParams.get('endpoint')
  if (endpoint !== null && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : ''))
    throw new Error('must have as endpoint a URL that begins with https:// or http://')
  const folder = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '')
  return { kind: 's3', bucket: url.host, prefix: folder === '' ? '' : `${folder}/`, endpoint, region: url.searchParams.get('region') }
}
