import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../testing/start-s3-server.ts'
import { openSnapshotStore } from './open-snapshot-store.ts'
import { describeSnapshotStore, listAll } from './snapshot-store.contract.ts'

let server: S3Server
let client: S3Client
let made = 0
beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = process.env['AWS_SECRET_ACCESS_KEY'] = 'S3RVER'
  server = await startS3Server()
  client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true })
})
afterAll(async () => {
  client?.destroy()
  await server?.stop()
})

const open = (folder: string) =>
  openSnapshotStore({ dataDir: '/nowhere', snapshotUrl: `s3://${server.bucket}${folder}?endpoint=${server.endpoint}&region=us-east-1` })
const keysBelow = async (prefix: string) =>
  ((await client.send(new ListObjectsV2Command({ Bucket: server.bucket, Prefix: prefix }))).Contents ?? []).map(({ Key }) => Key)

describeSnapshotStore('S3', async () => {
  const folder = `store ${made++}/below`
  const at = (contentHash: string) => ({ Bucket: server.bucket, Key: `${folder}/${contentHash}.zst` })
  return {
    store: open(`/${folder}`),
    corrupt: async (contentHash) => {
      const { Body } = await client.send(new GetObjectCommand(at(contentHash)))
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? [])
      bytes[bytes.length - 1]! ^= 1
      await client.send(new PutObjectCommand({ ...at(contentHash), Body: bytes }))
    },
    storedSize: async (contentHash) => (await client.send(new HeadObjectCommand(at(contentHash)))).ContentLength ?? 0,
  }
})

it('sends what is large in parts, and nothing of it is seen before it is whole', async () => {
  const bytes = randomBytes(40_000_000)
  const store = open('/large')
  const putting = store.put(Readable.from([bytes.subarray(0, 20_000_000), bytes.subarray(20_000_000)]))
  expect(await keysBelow('large/')).toEqual([])
  const { contentHash } = await putting
  expect(await keysBelow('large/')).toEqual([`large/${contentHash}.zst`])
  expect((await buffer(await store.get(contentHash))).equals(bytes)).toBe(true)
})

it('looks at nothing in the bucket that is not its own', async () => {
  await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: 'mixed/readme.txt', Body: 'not a snapshot' }))
  const store = open('/mixed')
  const { contentHash } = await store.put(Readable.from([Buffer.from('a')]))
  expect(await listAll(store)).toEqual([contentHash])
  await store.removeRemains(0)
  expect(await keysBelow('mixed/')).toContain('mixed/readme.txt')
})
