import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PIECE_BYTES, packSnapshot, unpackSnapshot } from './snapshot-codec.ts'

it('what was packed is unpacked whole, in whatever pieces it came', async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 70_000, size: 'max' }), { maxLength: 10, size: 'max' })
  await fc.assert(
    fc.asyncProperty(pieces, async (arrays) => {
      const chunks = arrays.map((bytes) => Buffer.from(bytes))
      const { packed, stored } = packSnapshot(Readable.from(chunks))
      const bytes = await buffer(packed)
      const { contentHash, sizeBytes } = stored()
      const whole = await buffer(unpackSnapshot(Readable.from([bytes]), contentHash))
      expect(whole.equals(Buffer.concat(chunks))).toBe(true)
      expect(sizeBytes).toBe(whole.length)
    }),
    { numRuns: 60 },
  )
}, 30_000)

it('what comes out of a store comes in large pieces: each costs every stage after it', async () => {
  const whole = randomBytes(10 * PIECE_BYTES)
  const { packed, stored } = packSnapshot(Readable.from([whole]))
  const bytes = await buffer(packed)
  const pieces = await unpackSnapshot(Readable.from([bytes]), stored().contentHash).toArray()
  expect(Buffer.concat(pieces).equals(whole)).toBe(true)
  expect(pieces.length).toBeLessThan(30)
})
