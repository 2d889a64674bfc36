/** Docker's multiplexed stream: frames of 8 bytes of header (kind, three zeros, length big-endian) and their bytes. Keeps no payload. */
export class FrameReader {
  readonly #onBytes: (kind: 'stdout' | 'stderr', bytes: Buffer) => void
  #header = Buffer.alloc(0)
  #kind: 'stdout' | 'stderr' = 'stdout'
  #left = 0

  constructor(onBytes: (kind: 'stdout' | 'stderr', bytes: Buffer) => void) {
    this.#onBytes = onBytes
  }

  add(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#left > 0) {
        const bytes = rest.subarray(0, this.#left)
        this.#left -= bytes.length
        rest = rest.subarray(bytes.length)
        this.#onBytes(this.#kind, bytes)
        continue
      }
      const missing = 8 - this.#header.length
      this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)])
      rest = rest.subarray(missing)
      if (this.#header.length < 8) return
      this.#kind = this.#header[0] === 2 ? 'stderr' : 'stdout'
      this.#left = this.#header.readUInt32BE(4)
      this.#header = Buffer.alloc(0)
    }
  }
}
