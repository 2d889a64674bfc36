/** The runner's own lines are shorter than a pipe's atomic write; what is longer was forged, and is dropped unread. */
const maxLineBytes = 8_192

/** Cuts bytes into lines, in memory that no sender can make grow. */
export class LineReader {
  readonly #onLine: (line: string) => void
  #rest: Buffer[] = []
  #restBytes = 0

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  add(chunk: Buffer): void {
    let from = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, at))
      if (this.#restBytes <= maxLineBytes) this.#onLine(Buffer.concat(this.#rest).toString('utf8'))
      this.#rest = []
      this.#restBytes = 0
      from = at + 1
    }
    this.#keep(chunk.subarray(from))
  }

  #keep(bytes: Buffer): void {
    this.#restBytes += bytes.length
    if (this.#restBytes <= maxLineBytes) this.#rest.push(Buffer.from(bytes))
    else this.#rest = []
  }
}
