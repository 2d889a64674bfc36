import { expect, it } from 'vitest'
import { parseSnapshotUrl } from './parse-snapshot-url.ts'

it('reads a folder, and a bucket with what it takes to reach it', () => {
  expect(parseSnapshotUrl('file:///var/lib/long%20haul')).toEqual({ kind: 'directory', path: '/var/lib/long haul' })
  expect(parseSnapshotUrl('s3://bucket')).toEqual({ kind: 's3', bucket: 'bucket', prefix: '', endpoint: null, region: null })
  expect(parseSnapshotUrl('s3://bucket/a/b/?endpoint=https://s3.example.org:9000&region=eu-1')).toEqual({
    kind: 's3',
    bucket: 'bucket',
    prefix: 'a/b/',
    endpoint: 'https://s3.example.org:9000',
    region: 'eu-1',
  })
})

it.each([
  ['nonsense', 'begins with file:// or s3://'],
  ['https://bucket', 'begins with file:// or s3://'],
  ['s3:///prefix', 'name a bucket'],
  ['s3://key:secret@bucket', 'no credentials'],
  ['s3://bucket?endpiont=https://a', 'has endpiont'],
  ['s3://bucket?endpoint=host:9000', 'https:// or http://'],
])('refuses %s', (text, says) => {
  expect(() => parseSnapshotUrl(text)).toThrow(says)
})
