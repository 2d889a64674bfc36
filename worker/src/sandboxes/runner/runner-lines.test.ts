import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineReader } from './line-reader.ts'
import { parseReply, runLine } from './runner-lines.ts'

test('any script is one line, and the shell decodes it to what it was', () => {
  const script = fc.string({ unit: 'binary', maxLength: 300 }).map((text) => text.toWellFormed().replaceAll('\0', ''))
  fc.assert(
    fc.property(script, (text) => {
      const line = runLine(3, 7, text)
      const [, bytes, payload] = /^3 7 run (\d+) =(.*)=$/su.exec(line) ?? []
      expect(line).not.toMatch(/\n/)
      expect(Buffer.byteLength(payload ?? '')).toBe(Number(bytes))
      expect(execFileSync('sh', ['-c', 'printf "%b" "$1"', 'sh', payload ?? ''], { env: { LC_ALL: 'C' } }).toString()).toBe(text)
    }),
    { numRuns: 50 },
  )
})

test('a reply is read, and anything else is no reply', () => {
  expect(parseReply('4 9 running')).toEqual({ word: 'running', epoch: 4, callNo: 9 })
  expect(parseReply('4 9 stale 5')).toEqual({ word: 'stale', epoch: 4, callNo: 9, currentEpoch: 5 })
  expect(parseReply('0 9 done 3 10.50 11.75 aGk=')).toEqual({
    word: 'done',
    epoch: 0,
    callNo: 9,
    exitCode: 3,
    durationMs: 1250,
    inlineOutput: { whole: true, bytes: Buffer.from('hi') },
  })
  expect(parseReply('0 9 done 3 0 0 +')).toMatchObject({ inlineOutput: { whole: false } })
  for (const ended of ['Infinity', '1e308', 'NaN', '-5', 'x']) expect(parseReply(`0 9 done 3 0 ${ended}`)).toMatchObject({ durationMs: 0 })
  for (const line of [
    '',
    'x',
    '4 9',
    '4 9 dance',
    '4 9 stale',
    '-1 9 running',
    '4 9e9 running',
    '0 9 done 256 0 0',
    '0 9 done x',
    `${'9'.repeat(30)} 1 hello`,
  ])
    expect(parseReply(line)).toBeNull()
})

test('no line of a runner is trusted to be well-formed', () => {
  fc.assert(fc.property(fc.string(), (line) => parseReply(line) === null || typeof parseReply(line)?.callNo === 'number'))
})

test('lines come whole however the bytes are cut, and overlong ones not at all', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\n', ''))),
      fc.integer({ min: 1, max: 9 }),
      (lines, size) => {
        const heard: string[] = []
        const reader = new LineReader((line) => heard.push(line))
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        for (let at = 0; at < bytes.length; at += size) reader.add(bytes.subarray(at, at + size))
        expect(heard).toEqual(lines.map((line) => Buffer.from(line).toString()))
      },
    ),
  )
  const heard: string[] = []
  const reader = new LineReader((line) => heard.push(line))
  for (let at = 0; at < 1_000; at++) reader.add(Buffer.alloc(65_536, 120))
  reader.add(Buffer.from('\nnext\n'))
  expect(heard).toEqual(['next'])
})
