import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader } from './frame-reader.ts'

test('frames come back as they were sent, however the bytes are cut', () => {
  const frame = fc.record({ kind: fc.constantFrom('stdout' as const, 'stderr' as const), text: fc.string({ maxLength: 30 }) })
  fc.assert(
    fc.property(fc.array(frame), fc.integer({ min: 1, max: 20 }), (frames, size) => {
      const sent = Buffer.concat(
        frames.map(({ kind, text }) => {
          const header = Buffer.alloc(8)
          header[0] = kind === 'stderr' ? 2 : 1
          header.writeUInt32BE(Buffer.byteLength(text), 4)
          return Buffer.concat([header, Buffer.from(text)])
        }),
      )
      const heard = { stdout: '', stderr: '' }
      const reader = new FrameReader((kind, bytes) => {
        heard[kind] += bytes.toString('latin1')
      })
      for (let at = 0; at < sent.length; at += size) reader.add(sent.subarray(at, at + size))
      for (const kind of ['stdout', 'stderr'] as const) {
        const text = frames
          .filter((one) => one.kind === kind)
          .map((one) => one.text)
          .join('')
        expect(heard[kind]).toBe(Buffer.from(text).toString('latin1'))
      }
    }),
  )
})
