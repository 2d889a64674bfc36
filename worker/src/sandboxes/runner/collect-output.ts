import type { Readable } from 'node:stream'

export type CollectedOutput = { text: string; truncated: boolean }

/** The first and last bytes of a stream, in memory that does not depend on its length. */
export class HeadAndTail {
  readonly #limit: number
  #head: Buffer[] = []
  #headBytes = 0
  #tail: Buffer[] = []
  #tailBytes = 0
  totalBytes = 0

  constructor(maxBytes: number) {
    this.#limit = Math.max(2, maxBytes)
  }

  add(chunk: Buffer): void {
    this.totalBytes += chunk.length
    const room = Math.ceil(this.#limit / 2) - this.#headBytes
    if (room > 0) {
      this.#head.push(chunk.subarray(0, room))
      this.#headBytes += Math.min(room, chunk.length)
    }
    if (chunk.length <= room) return
    this.#tail.push(Buffer.from(chunk.subarray(Math.max(0, room))))
    this.#tailBytes += chunk.length - Math.max(0, room)
    const keep = Math.floor(this.#limit / 2)
    while (this.#tail[0] && this.#tailBytes - this.#tail[0].length >= keep) this.#tailBytes -= this.#tail.shift()?.length ?? 0
  }

  /** `gap`: what was added is itself not all there was. */
  toOutput(gap = false): CollectedOutput {
    const tail = Buffer.concat(this.#tail)
    const keep = Math.floor(this.#limit / 2)
    const kept = tail.subarray(Math.max(0, tail.length - keep))
    const missing = this.totalBytes - this.#headBytes - kept.length
    if (missing === 0 && !gap) return { text: toText(Buffer.concat([...this.#head, tail])), truncated: false }
    const head = cutEnd(Buffer.concat(this.#head))
    const end = cutStart(kept)
    return { text: `${toText(head)}\n[… ${gap ? 'more than ' : ''}${missing} bytes left out …]\n${toText(end)}`, truncated: true }
  }
}

export const collectStream = async (stream: Readable, into: HeadAndTail): Promise<void> => {
  for await (const chunk of stream) into.add(chunk as Buffer)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
/** Invalid UTF-8 becomes U+FFFD. */
export const toText = (bytes: Buffer): string => decoder.decode(bytes)

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** Leaves out the pieces of a character that the cut went through. */
const cutEnd = (bytes: Buffer): Buffer => {
  let start = bytes.length - 1
  while (start > 0 && bytes.length - start < 4 && isContinuation(bytes[start])) start--
  const lead = bytes[start] ?? 0
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  return start + length > bytes.length ? bytes.subarray(0, start) : bytes
}
const cutStart = (bytes: Buffer): Buffer => {
  let start = 0
  while (start < 3 && isContinuation(bytes[start])) start++
  return bytes.subarray(start)
}
