import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HeadAndTail } from './collect-output.ts'

const collect = (bytes: Buffer, limit: number, size: number) => {
  const output = new HeadAndTail(limit)
  for (let at = 0; at < bytes.length; at += size) output.add(bytes.subarray(at, at + size))
  return output.toOutput()
}

test('what fits comes back as it is; what does not keeps its beginning and end, on whole characters', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.integer({ min: 2, max: 300 }),
      fc.integer({ min: 1, max: 50 }),
      (text, limit, size) => {
        const bytes = Buffer.from(text)
        const output = collect(bytes, limit, size)
        if (bytes.length <= limit) {
          expect(output).toEqual({ text: bytes.toString(), truncated: false })
          return
        }
        const [, head, missing, tail] = /^(.*)\n\[… (\d+) bytes left out …\]\n(.*)$/s.exec(output.text) ?? []
        expect(output.truncated).toBe(true)
        expect(text.startsWith(head ?? '-') && text.endsWith(tail ?? '-')).toBe(true)
        expect(Number(missing)).toBeGreaterThan(0)
        expect(Buffer.byteLength(`${head}${tail}`)).toBeLessThanOrEqual(limit)
      },
    ),
  )
})

test('an endless stream is held in bounded memory', () => {
  const output = new HeadAndTail(10_000)
  const before = process.memoryUsage()
  for (let at = 0; at < 20_000; at++) output.add(Buffer.alloc(65_536, 97))
  const after = process.memoryUsage()
  expect(after.external + after.heapUsed - before.external - before.heapUsed).toBeLessThan(300_000_000)
  expect(output.toOutput().text.length).toBeLessThan(10_100)
})
