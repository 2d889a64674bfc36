/** Tars made byte by byte, also such as no tool would make. */
export type RawEntry = {
  name: string | Buffer
  /** The type's character: 0 file, 1 hard link, 2 symbolic link, 3 and 4 devices, 5 folder, 6 fifo, x pax, L a long name, S sparse. */
  type?: string
  link?: string
  body?: string | Buffer
  /** What the header says, where it is not the body's. */
  size?: number
  mode?: number
}

export const rawTar = (entries: readonly RawEntry[], { end = true }: { end?: boolean } = {}): Buffer =>
  Buffer.concat([...entries.flatMap(toBlocks), ...(end ? [Buffer.alloc(1_024)] : [])])

/** A pax record's line counts itself. */
export const paxRecord = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  let length = bytes
  while (String(length).length + bytes !== length) length = String(length).length + bytes
  return `${length}${rest}`
}

const toBlocks = ({ name, type = '0', link = '', body = '', size, mode = 0o644 }: RawEntry): Buffer[] => {
  const bytes = Buffer.from(body)
  const header = Buffer.alloc(512)
  Buffer.from(name).copy(header, 0, 0, 100)
  header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write(link, 157, 100)
  header.write('ustar\x0000', 257, 'latin1')
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
}
