import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import { SnapshotCorruptError, SnapshotMissingError, type SnapshotStore } from './snapshot-store.ts'

export type SnapshotStoreUnderTest = {
  store: SnapshotStore
  /** Changes the stored bytes behind the store's back. */
  corrupt(contentHash: string): Promise<void>
  /** Bytes that it takes in the store. */
  storedSize(contentHash: string): Promise<number>
}

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
export const listAll = async (store: SnapshotStore): Promise<string[]> => {
  const found: string[] = []
  for await (const { contentHash } of store.list()) found.push(contentHash)
  return found
}

/** What every snapshot store does. `create` gives an empty one. */
export const describeSnapshotStore = (name: string, create: () => Promise<SnapshotStoreUnderTest>): void => {
  describe(`the ${name} snapshot store`, () => {
    let store: SnapshotStore
    let corrupt: SnapshotStoreUnderTest['corrupt']
    let storedSize: SnapshotStoreUnderTest['storedSize']
    beforeEach(async () => {
      ;({ store, corrupt, storedSize } = await create())
    })

    it.each([0, 1, 65_536, 3_000_001])('gives back the %i bytes it was given, under their hash', async (size) => {
      const bytes = randomBytes(size)
      const stored = await store.put(Readable.from(size === 0 ? [] : [bytes.subarray(0, size / 2), bytes.subarray(size / 2)]))
      expect(stored).toEqual({ contentHash: hashOf(bytes), sizeBytes: size })
      expect((await buffer(await store.get(stored.contentHash))).equals(bytes)).toBe(true)
    })

    it('stores the same bytes once, also when they are put at the same time', async () => {
      const bytes = randomBytes(200_000)
      const stored = await Promise.all([1, 2, 3].map(() => store.put(Readable.from([bytes]))))
      expect(await listAll(store)).toEqual([stored[0]?.contentHash])
      expect((await buffer(await store.get(stored[2]!.contentHash))).equals(bytes)).toBe(true)
    })

    it('lists what it holds with its time, and no longer what was deleted', async () => {
      expect(await listAll(store)).toEqual([])
      const before = Date.now() - 2_000 // file systems and other hosts round their clocks
      const first = await store.put(Readable.from([Buffer.from('a')]))
      const second = await store.put(Readable.from([Buffer.from('b')]))
      expect(await listAll(store)).toHaveLength(2)
      for await (const { storedAt } of store.list()) expect(storedAt.getTime()).toBeGreaterThan(before)
      await store.delete(first.contentHash)
      await store.delete(first.contentHash)
      expect(await listAll(store)).toEqual([second.contentHash])
      expect([await store.has(first.contentHash), await store.has(second.contentHash)]).toEqual([false, true])
      await expect(store.get(first.contentHash)).rejects.toThrow(SnapshotMissingError)
    })

    it('stores nothing of a stream that fails', async () => {
      const failing = Readable.from(
        (async function* () {
          yield randomBytes(100_000)
          throw new Error('the sandbox went away')
        })(),
      )
      await expect(store.put(failing)).rejects.toThrow('the sandbox went away')
      expect(await listAll(store)).toEqual([])
    })

    it.each([1, 500_000])('ends the stream of %i changed bytes with an error, before its last piece', async (size) => {
      const bytes = randomBytes(size)
      const { contentHash } = await store.put(Readable.from([bytes]))
      await corrupt(contentHash)
      const received: Buffer[] = []
      const read = async () => {
        for await (const chunk of await store.get(contentHash)) received.push(chunk)
      }
      await expect(read()).rejects.toThrow(SnapshotCorruptError)
      expect(Buffer.concat(received).length).toBeLessThan(size)
    })

    it('lets go of a stream that its reader leaves', async () => {
      const { contentHash } = await store.put(Readable.from([randomBytes(1_000_000)]))
      const stream = await store.get(contentHash)
      for await (const chunk of stream) {
        expect(chunk.length).toBeGreaterThan(0)
        break
      }
      expect(stream.destroyed).toBe(true)
    })

    it('stores what repeats in less space than it has', async () => {
      const { contentHash, sizeBytes } = await store.put(Readable.from([Buffer.alloc(2_000_000, 'longhaul ')]))
      expect(sizeBytes).toBe(2_000_000)
      expect(await storedSize(contentHash)).toBeLessThan(20_000)
    })

    it('gives a snapshot that is put again the time of the second', async () => {
      const put = () => store.put(Readable.from([Buffer.from('again')]))
      const times: number[] = []
      for (let at = 0; at < 2; at++) {
        await put()
        for await (const { storedAt } of store.list()) times.push(storedAt.getTime())
        await new Promise((resolve) => setTimeout(resolve, 1_100)) // stores keep whole seconds
      }
      expect(times[1]).toBeGreaterThan(times[0] ?? Number.POSITIVE_INFINITY)
    })

    it.each(['', '../escape', 'A'.repeat(64), `${'a'.repeat(64)}/..`])('refuses %j as a hash', async (name) => {
      await expect((async () => store.get(name))()).rejects.toThrow()
      await expect((async () => store.delete(name))()).rejects.toThrow()
    })
  })
}
